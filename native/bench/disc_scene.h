#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace unsam {

inline constexpr std::size_t kSceneSide = 256;

// Discs of all sizes, signed distance to the border as the logit, and a little noise. The generator is a plain linear
// congruential one, so that the TypeScript bench draws the same scene.
struct DiscScene {
  std::vector<float> data;
  std::vector<double> scores, granularities;

  explicit DiscScene(std::size_t count) : data(count * kSceneSide * kSceneSide) {
    std::uint32_t state = 1;
    const auto next = [&state] {
      state = state * 1664525u + 1013904223u;
      return static_cast<double>(state >> 8) / 16777216.0;
    };
    for (std::size_t k = 0, i = 0; k < count; ++k) {
      const double radius = 6.0 * std::pow(16.0, next()), x0 = kSceneSide * next(), y0 = kSceneSide * next();
      scores.push_back(0.8 + 0.2 * next());
      granularities.push_back(std::min(1.0, radius / 96.0));
      for (std::size_t y = 0; y < kSceneSide; ++y) {
        for (std::size_t x = 0; x < kSceneSide; ++x, ++i) {
          const double dx = static_cast<double>(x) - x0, dy = static_cast<double>(y) - y0;
          const double distance = (radius - std::sqrt(dx * dx + dy * dy)) / 2.0;
          data[i] = static_cast<float>(std::clamp(distance, -12.0, 12.0) + next() - 0.5);
        }
      }
    }
  }
};

}  // namespace unsam
