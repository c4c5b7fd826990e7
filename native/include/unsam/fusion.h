// Hierarchical fusion: from masks with scores and granularities to a forest, label maps and one multi-resolution map.
// The native version of core/src/fusion, which explains the construction; same input, same result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unsam/masks.h"

namespace unsam {

// Granularity is counted in whole steps of 1 / kGranularitySteps; kNever is left over.
inline constexpr std::uint16_t kGranularitySteps = 65534;
inline constexpr std::uint16_t kNever = 65535;

// Throws Error(bad_prompt) unless 0 <= granularity <= 1.
std::uint16_t granularity_step(double granularity);

// Pixels that each pair of masks has in common: the rows of the upper triangle, (0,1), (0,2), ... (1,2), ...
struct Overlaps {
  std::size_t count = 0;
  std::vector<std::uint32_t> common;  // [count (count - 1) / 2]

  std::uint32_t at(std::size_t i, std::size_t j) const {  // i != j
    if (i > j) std::swap(i, j);
    return common[i * (2 * count - i - 1) / 2 + j - i - 1];
  }
};

// Throws Error(bad_prompt). `boxes` as of mask_statistics.
Overlaps pairwise_overlaps(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                           const ParallelFor& parallel);
// The overlaps among the chosen masks, in the order given.
Overlaps select_overlaps(const Overlaps& overlaps, std::span<const std::int32_t> chosen, const ParallelFor& parallel);

// Indices that stay, best score first (of equals the lower index): a mask goes when its IoU with one that stays is
// above max_iou. Throws Error(bad_prompt, bad_option).
std::vector<std::int32_t> remove_duplicates(std::span<const std::uint32_t> areas, std::span<const double> scores,
                                            const Overlaps& overlaps, double max_iou);

// The official generator's box suppression: inclusive corners taken as they are, compared in float32, ties in the order
// given. Throws Error(bad_prompt, bad_option).
std::vector<std::int32_t> suppress_boxes(std::span<const double> boxes, std::span<const double> scores,
                                         double max_iou);

struct RegionForest {
  std::vector<std::int32_t> parent;   // [count] -1 for a root
  std::vector<std::uint16_t> level;   // [count] granularity step from which on a region stands for all within; never falls
  std::vector<std::int32_t> order;    // [count] painting order: ancestors first, of two branches the better one last
};

// Parent: the smallest larger mask that holds at least `containment` of the pixels. Throws Error(bad_prompt, bad_option).
RegionForest build_forest(std::span<const std::uint32_t> areas, std::span<const double> scores,
                          std::span<const double> granularities, const Overlaps& overlaps, double containment);

// The finest region of each pixel as region + 1, 0 where no mask is, [height, width]. Throws Error(bad_prompt).
std::vector<std::int32_t> finest_labels(const MaskStackView& masks, const RegionForest& forest,
                                        const ParallelFor& parallel);

// Each pixel's owner at a granularity, [n]. Throws Error(bad_prompt).
std::vector<std::int32_t> label_map_at(std::span<const std::int32_t> finest, const RegionForest& forest,
                                       double granularity, const ParallelFor& parallel);

// For each edge between two pixels the granularity step at which it vanishes; a boundary at g where above granularity_step(g).
struct FusedMap {
  std::vector<std::uint16_t> right;  // [height, width] edge to the right, last column 0
  std::vector<std::uint16_t> below;  // [height, width] edge below, last row 0
};

// Throws Error(bad_prompt).
FusedMap fuse_labels(std::span<const std::int32_t> finest, const RegionForest& forest, std::size_t width,
                     std::size_t height, const ParallelFor& parallel);

struct FusionOptions {
  Thresholds thresholds;
  double max_iou = 0.9;
  double containment = 0.8;
  double min_area = 1.0;
};

// Row r of everything but `kept` is mask kept[r] of the input.
struct FusedScene {
  std::vector<std::int32_t> kept;  // best score first
  MaskStatistics statistics;
  RegionForest forest;
  std::vector<std::int32_t> finest;  // [height, width]
};

// K >= 1 logit maps with a score and a granularity each. Throws Error(bad_prompt, bad_option).
FusedScene fuse_logits(const LogitMaps& maps, std::span<const double> scores, std::span<const double> granularities,
                       const FusionOptions& options, const ParallelFor& parallel);

}  // namespace unsam
