#include "decoder/position.h"

#include <cmath>
#include <numbers>

#include "cpu/layout.h"

namespace unsam {

void encode_position(const float* gaussian, float x, float y, float* out) {
  constexpr std::size_t half = kDim / 2;
  const double u = 2.0 * x - 1.0, v = 2.0 * y - 1.0;
  for (std::size_t i = 0; i < half; ++i) {
    const double angle = 2.0 * std::numbers::pi * (u * gaussian[i] + v * gaussian[half + i]);
    out[i] = static_cast<float>(std::sin(angle));
    out[half + i] = static_cast<float>(std::cos(angle));
  }
}

void granularity_features(float granularity, float* out) {
  constexpr int features = 64;
  for (int i = 0; i < features; ++i) {
    const double angle = std::pow(100.0, i / static_cast<double>(features)) * granularity;
    out[2 * i] = static_cast<float>(std::sin(angle));
    out[2 * i + 1] = static_cast<float>(std::cos(angle));
  }
}

}  // namespace unsam
