#include "fusion/check.h"

#include <cmath>
#include <limits>
#include <string>

#include "fusion/cpu/bits.h"

namespace unsam {
namespace {

std::string size_text(std::size_t width, std::size_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

[[noreturn]] void bad_prompt(const std::string& message) { throw Error(ErrorCode::bad_prompt, message); }

}  // namespace

void check_count(std::size_t count) {
  if (count <= kMaxMasks) return;
  bad_prompt(std::to_string(count) + " masks cannot be fused at once; give from 0 to " + std::to_string(kMaxMasks) +
             ", best ones first.");
}

void check_mask_size(std::size_t width, std::size_t height) {
  if (width >= 1 && height >= 1 && width <= kMaxMaskPixels && height <= kMaxMaskPixels / width) return;
  bad_prompt("A mask cannot be " + size_text(width, height) + " pixels; both sides are whole numbers from 1.");
}

void check_mask_stack(const MaskStackView& masks) {
  check_count(masks.count);
  check_mask_size(masks.width, masks.height);
  const std::size_t expected = masks.count * masks.height * words_per_row(masks.width);
  if (masks.words.size() != expected) {
    bad_prompt(std::to_string(masks.count) + " masks of " + size_text(masks.width, masks.height) + " pixels take " +
               std::to_string(expected) + " words, not " + std::to_string(masks.words.size()) + ".");
  }
  const std::size_t stride = words_per_row(masks.width);
  const std::uint32_t padding = ~last_word_mask(masks.width);
  std::uint32_t stray = 0;
  for (std::size_t i = stride - 1; padding != 0 && i < expected; i += stride) stray |= masks.words[i] & padding;
  if (stray != 0) {
    bad_prompt("A mask has bits set beyond its width of " + std::to_string(masks.width) + " pixels; clear them.");
  }
}

void check_mask(std::span<const std::uint32_t> words, std::size_t width, std::size_t height) {
  check_mask_stack({1, width, height, words});
}

void check_mask_boxes(std::span<const std::int32_t> boxes, const MaskStackView& masks) {
  check_one_each("box corners", boxes.size(), 4 * masks.count);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const std::size_t side = i % 2 == 0 ? masks.width : masks.height;
    if (boxes[i] < 0 || static_cast<std::size_t>(boxes[i]) >= side) {
      bad_prompt("The box of mask " + std::to_string(i / 4) + " has the corner coordinate " + std::to_string(boxes[i]) +
                 " outside " + size_text(masks.width, masks.height) + " pixels.");
    }
  }
}

void check_one_each(const char* name, std::size_t have, std::size_t count) {
  if (have == count) return;
  bad_prompt("There are " + std::to_string(have) + " " + name + " for " + std::to_string(count) +
             " masks; give one each.");
}

void check_per_mask(const char* name, std::span<const double> values, std::size_t count) {
  check_one_each(name, values.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) {
      bad_prompt("Number " + std::to_string(i) + " of the " + name + " is " + std::to_string(values[i]) +
                 "; it must be finite.");
    }
  }
}

void check_share(const char* name, double value) {
  if (value >= 0.0 && value <= 1.0) return;
  throw Error(ErrorCode::bad_option,
              std::string(name) + " is " + std::to_string(value) + "; it must be a number from 0 to 1.");
}

void check_logit_maps(const LogitMaps& maps) {
  check_count(maps.count);
  check_mask_size(maps.width, maps.height);
  if (maps.count == 0) bad_prompt("There are no logits to make masks of; give at least one map.");
  const std::size_t expected = maps.count * maps.height * maps.width;
  if (maps.data.size() != expected) {
    bad_prompt(std::to_string(maps.count) + " logit maps of " + size_text(maps.width, maps.height) + " take " +
               std::to_string(expected) + " values, not " + std::to_string(maps.data.size()) + ".");
  }
}

void check_thresholds(const Thresholds& t) {
  if (std::isfinite(t.threshold) && std::isfinite(t.stability_offset) && t.stability_offset >= 0.0) return;
  throw Error(ErrorCode::bad_option, "threshold is " + std::to_string(t.threshold) + " and stabilityOffset " +
                                         std::to_string(t.stability_offset) +
                                         "; both must be finite, the offset not negative.");
}

float float_below(double t) {
  const float rounded = static_cast<float>(t);
  if (static_cast<double>(rounded) <= t) return rounded;
  return std::nextafter(rounded, -std::numeric_limits<float>::infinity());
}

float float_above(double t) { return -float_below(-t); }

}  // namespace unsam
