// Region tree on the working image: boundary strength, superpixels, a spectral cue, merging; with or without learned cues.
// The native version of core/src/region-tree, which gives the recipe and its sources. Same operations in the
// same order: the results are the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unsam/error.h"
#include "unsam/parallel.h"

namespace unsam {

// Number of the recipe, to be raised here and in core/src/region-tree/recipe.ts with every change of its results.
inline constexpr int kRegionTreeRecipe = 2;
// The same for what learned cues add.
inline constexpr int kLearnedRecipe = 2;

// Superpixels, numbered in the order of their first pixels.
struct Superpixels {
  std::size_t count = 0;
  std::vector<std::int32_t> labels;   // [height, width]
  std::vector<std::int32_t> markers;  // [count] the pixel each one flows to
};

// Who touches whom: edges first < second, sorted by (first, second).
struct RegionGraph {
  std::size_t count = 0;
  std::vector<std::int32_t> first, second;  // [edges]
  std::vector<double> border;               // [edges] shared border in pixel sides
  std::vector<double> strength;             // [edges] boundary strength summed over it
};

// The order in which regions were joined. Region i is node i; merge m makes node count + m.
struct RegionMerges {
  std::vector<std::int32_t> children;  // [count - 1, 2] the two nodes joined, the lower number first
  std::vector<double> heights;         // [count - 1] never falling along a branch
  std::vector<double> border;          // [count - 1] border the two shared
  std::vector<double> strength;        // [count - 1] boundary strength summed over it
};

struct RegionHierarchy {
  Superpixels superpixels;
  RegionGraph graph;
  RegionMerges merges;
};

// What a trained network sees in the working image (core/src/region-tree/learned-cues.ts). The cell (x, y) of each plane
// covers the pixels (2x, 2y) to (2x + 1, 2y + 1).
struct LearnedCues {
  std::size_t columns = 0, rows = 0;      // at least half the image, rounded up
  std::span<const float> border, height;  // [rows, columns] probability of a border; how high in the tree it lies
  std::size_t dimensions = 0;
  std::span<const float> metric;  // [dimensions, rows, columns]
};

// `rgb`: [height, width, 3]; `learned`: null where no network saw it. Throws Error(bad_prompt) where sizes do not fit, a side
// is not 1 to 4096, or a cue is not finite.
RegionHierarchy build_region_hierarchy(std::span<const std::uint8_t> rgb, std::size_t width, std::size_t height,
                                       const ParallelFor& parallel, const LearnedCues* learned = nullptr);

}  // namespace unsam
