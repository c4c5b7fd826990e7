#include <algorithm>
#include <string>

#include "fusion/check.h"
#include "unsam/masks.h"

namespace unsam {
namespace {

// What the official predictor writes instead of the logits of a removed region, relative to the threshold.
constexpr double kSure = 10.0;

// The bits of the logits above the threshold, or of those at or below it; NaN is neither.
std::vector<std::uint32_t> pack_where(std::span<const float> logits, std::size_t height, std::size_t width,
                                      double threshold, bool above) {
  const std::size_t stride = words_per_row(width);
  std::vector<std::uint32_t> words(stride * height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double value = logits[y * width + x];
      if (above ? value > threshold : value <= threshold) words[y * stride + x / 32] |= 1u << (x % 32);
    }
  }
  return words;
}

// Writes `value` over the components of at most max_area pixels.
void replace_small(float* logits, std::span<const std::uint32_t> words, std::size_t height, std::size_t width,
                   double max_area, float value) {
  const Components components = find_components(words, width, height, Connectivity::eight);
  for (std::size_t y = 0; y < height; ++y) {
    for (auto run = static_cast<std::size_t>(components.row_start[y]);
         run < static_cast<std::size_t>(components.row_start[y + 1]); ++run) {
      const auto component = static_cast<std::size_t>(components.of_run[run]);
      if (components.areas[component] > max_area) continue;
      std::fill(logits + y * width + static_cast<std::size_t>(components.start[run]),
                logits + y * width + static_cast<std::size_t>(components.end[run]), value);
    }
  }
}

void check_area(const char* name, double area) {
  if (area >= 0) return;  // not so for NaN
  throw Error(ErrorCode::bad_option, std::string("The option ") + name + " must be a number of pixels from 0.");
}

}  // namespace

std::vector<float> clean_logits(const LogitMaps& maps, const CleanOptions& options, const ParallelFor& parallel) {
  check_logit_maps(maps);
  check_area("maxHoleArea", options.max_hole_area);
  check_area("maxSprinkleArea", options.max_sprinkle_area);
  std::vector<float> cleaned(maps.data.begin(), maps.data.end());
  const std::size_t size = maps.height * maps.width;
  parallel(maps.count, [&](std::size_t k) {
    const auto logits = maps.data.subspan(k * size, size);
    const auto replace = [&](bool above, double max_area, double value) {
      if (!(max_area > 0)) return;
      const auto words = pack_where(logits, maps.height, maps.width, options.threshold, above);
      replace_small(cleaned.data() + k * size, words, maps.height, maps.width, max_area, static_cast<float>(value));
    };
    replace(false, options.max_hole_area, options.threshold + kSure);
    replace(true, options.max_sprinkle_area, options.threshold - kSure);
  });
  return cleaned;
}

}  // namespace unsam
