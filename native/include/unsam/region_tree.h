// Region tree without learned weights, on the working image: boundary strength, superpixels, a spectral cue, merging.
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

// `rgb`: [height, width, 3]. Throws Error(bad_prompt) where it is not that long or a side is not 1 to 4096.
RegionHierarchy build_region_hierarchy(std::span<const std::uint8_t> rgb, std::size_t width, std::size_t height,
                                       const ParallelFor& parallel);

}  // namespace unsam
