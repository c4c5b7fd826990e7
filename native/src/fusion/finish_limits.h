#pragma once

#include <cmath>

#include "fusion/check.h"

namespace unsam {

struct FinishLimits {
  double low, middle, high;
  // With a margin for the rounding of the interpolation, so that a settled pixel never differs from a computed one.
  float surely_below, surely_above;
};

inline FinishLimits finish_limits(const Thresholds& t) {
  const double low = t.threshold - t.stability_offset, high = t.threshold + t.stability_offset;
  return {low, t.threshold, high, float_above(low - 1e-5 * (1.0 + std::abs(low))),
          float_below(high + 1e-5 * (1.0 + std::abs(high)))};
}

}  // namespace unsam
