// What the fusion functions check of their input before any work is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "unsam/masks.h"

namespace unsam {

void check_count(std::size_t count);
void check_one_each(const char* name, std::size_t have, std::size_t count);
// Throws unless there is one finite number for each mask.
void check_per_mask(const char* name, std::span<const double> values, std::size_t count);
void check_share(const char* name, double value);
// Throws unless `words` is one mask of that size.
void check_mask(std::span<const std::uint32_t> words, std::size_t width, std::size_t height);
// Throws unless there are four corners within the image for each mask.
void check_mask_boxes(std::span<const std::int32_t> boxes, const MaskStackView& masks);
void check_logit_maps(const LogitMaps& maps);
void check_thresholds(const Thresholds& thresholds);

// The greatest float that is not above t: x > t for a float x exactly where x > float_below(t).
float float_below(double t);
// The least float that is not below t: x < t exactly where x < float_above(t).
float float_above(double t);

}  // namespace unsam
