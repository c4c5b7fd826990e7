#pragma once

#include <cstddef>
#include <span>

#include "unsam/fusion.h"

namespace unsam {

// Throws Error(bad_prompt) unless `forest` is one: arrays of one length, `order` a permutation with parents first,
// levels that never fall towards a root. Forests may come from JavaScript.
void check_forest(const RegionForest& forest);

// Throws Error(bad_prompt) unless all labels are 0 or a region + 1.
void check_labels(std::span<const std::int32_t> labels, std::size_t regions);
// Throws Error(bad_prompt) unless there is one label for each pixel.
void check_label_map(std::span<const std::int32_t> finest, std::size_t width, std::size_t height);

}  // namespace unsam
