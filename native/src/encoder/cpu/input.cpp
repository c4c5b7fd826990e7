// Compiled without contraction to fused multiply-add: the results are those of the same program in JavaScript.
#include "encoder/cpu/input.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace unsam::encoder {
namespace {

// Of ImageNet, per channel, for RGB in [0, 1].
constexpr double kMean[3] = {0.485, 0.456, 0.406}, kDeviation[3] = {0.229, 0.224, 0.225};
// Output rows of one item. Rows of the photo between two items are resized twice.
constexpr std::size_t kRows = 64;

// For each output position, which inputs it is the weighted mean of.
struct FilterTaps {
  FilterTaps(std::size_t inputs, std::size_t outputs);

  std::vector<std::size_t> start, size;
  std::vector<float> weights;  // [output][count], summing to 1 per output
  std::size_t count;           // most inputs of any output
};

// A triangle filter, widened by the scale where the image shrinks, in float32 step by step as PyTorch does it: the
// reference's rounding of positions is part of its result.
FilterTaps::FilterTaps(std::size_t inputs, std::size_t outputs) : start(outputs), size(outputs) {
  const auto scale = static_cast<float>(static_cast<double>(inputs) / static_cast<double>(outputs));
  const float support = std::max(scale, 1.0f), inverse = static_cast<float>(1.0 / static_cast<double>(support));
  count = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  weights.resize(outputs * count);
  for (std::size_t i = 0; i < outputs; ++i) {
    const auto center = static_cast<float>(static_cast<double>(scale) * (static_cast<double>(i) + 0.5));
    const auto low = static_cast<std::ptrdiff_t>(center - support + 0.5f);
    const auto high = static_cast<std::ptrdiff_t>(center + support + 0.5f);
    const auto from = static_cast<std::size_t>(std::max<std::ptrdiff_t>(low, 0));
    const std::size_t to = std::min(static_cast<std::size_t>(std::max<std::ptrdiff_t>(high, 0)), inputs);
    start[i] = from;
    size[i] = std::min(to - std::min(to, from), count);
    float* taps = weights.data() + i * count;
    float total = 0.0f;
    for (std::size_t j = 0; j < size[i]; ++j) {
      const auto distance = static_cast<float>(static_cast<double>(j + from) - static_cast<double>(center));
      const float place = (distance + 0.5f) * inverse;
      taps[j] = static_cast<float>(std::max(0.0, 1.0 - std::abs(static_cast<double>(place))));
      total += taps[j];
    }
    for (std::size_t j = 0; j < size[i]; ++j) {
      taps[j] = static_cast<float>(static_cast<double>(taps[j]) / static_cast<double>(total));
    }
  }
}

// One row of RGB bytes to three planes, still in 0-255.
void resize_row(const std::uint8_t* rgb, const FilterTaps& taps, std::size_t side, float* out) {
  for (std::size_t x = 0; x < side; ++x) {
    double sums[3] = {0, 0, 0};
    const std::uint8_t* in = rgb + taps.start[x] * 3;
    const float* weights = taps.weights.data() + x * taps.count;
    for (std::size_t j = 0; j < taps.size[x]; ++j, in += 3) {
      for (std::size_t c = 0; c < 3; ++c) sums[c] += static_cast<double>(weights[j]) * in[c];
    }
    for (std::size_t c = 0; c < 3; ++c) out[c * side + x] = static_cast<float>(sums[c]);
  }
}

}  // namespace

void network_input(const PhotoView& photo, std::size_t side, ThreadTeam& team, float* out) {
  const FilterTaps across(photo.width, side), down(photo.height, side);
  team.run((side + kRows - 1) / kRows, [&](std::size_t item, std::size_t) {
    const std::size_t first = item * kRows, end = std::min(side, first + kRows), values = 3 * side;
    std::vector<float> slots(down.count * values);  // row y is kept in slot y % count
    std::vector<double> sums(values);
    std::size_t ready = down.start[first];
    for (std::size_t y = first; y < end; ++y) {
      ready = std::max(ready, down.start[y]);
      for (; ready < down.start[y] + down.size[y]; ++ready) {
        resize_row(photo.data.data() + ready * photo.width * 3, across, side, slots.data() + ready % down.count * values);
      }
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t j = 0; j < down.size[y]; ++j) {
        const double weight = down.weights[y * down.count + j];
        const float* row = slots.data() + (down.start[y] + j) % down.count * values;
        for (std::size_t i = 0; i < values; ++i) sums[i] += weight * static_cast<double>(row[i]);
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double scale = 1.0 / (255.0 * kDeviation[c]), shift = kMean[c] / kDeviation[c];
        float* to = out + (c * side + y) * side;
        for (std::size_t x = 0; x < side; ++x) to[x] = static_cast<float>(sums[c * side + x] * scale - shift);
      }
    }
  });
}

}  // namespace unsam::encoder
