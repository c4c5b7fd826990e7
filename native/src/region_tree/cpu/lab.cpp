#include <algorithm>
#include <cmath>

#include "region_tree/cpu/elementary.h"
#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

// The CIE function f(t) is tabulated: 2^12 steps leave errors far below one unit of L.
constexpr std::size_t kSteps = 4096;

struct Tables {
  std::array<double, 256> linear;
  std::array<double, kSteps + 2> cie;

  Tables() {
    for (std::size_t v = 0; v < 256; ++v) {
      const double c = static_cast<double>(v) / 255.0;
      linear[v] = c <= 0.04045 ? c / 12.92 : power((c + 0.055) / 1.055, 2.4);
    }
    for (std::size_t i = 0; i < cie.size(); ++i) {
      const double t = static_cast<double>(i) / kSteps;
      cie[i] = t > 216.0 / 24389.0 ? power(t, 1.0 / 3.0) : (t * (24389.0 / 27.0) + 16.0) / 116.0;
    }
  }

  double f(double t) const {
    const double at = std::min(1.0, t) * kSteps;
    const auto i = static_cast<std::size_t>(at);
    return cie[i] + (at - static_cast<double>(i)) * (cie[i + 1] - cie[i]);
  }
};

}  // namespace

Lab lab_planes(std::span<const std::uint8_t> rgb, Size size, const ParallelFor& parallel) {
  static const Tables tables;
  Lab lab{Plane(size.count()), Plane(size.count()), Plane(size.count())};
  for_bands(size.height, parallel, [&](std::size_t y0, std::size_t y1) {
    for (std::size_t i = y0 * size.width; i < y1 * size.width; ++i) {
      const double red = tables.linear[rgb[3 * i]], green = tables.linear[rgb[3 * i + 1]];
      const double blue = tables.linear[rgb[3 * i + 2]];
      const double fx = tables.f((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047);
      const double fy = tables.f(0.2126729 * red + 0.7151522 * green + 0.072175 * blue);
      const double fz = tables.f((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883);
      lab.L[i] = static_cast<float>(116.0 * fy - 16.0);
      lab.a[i] = static_cast<float>(500.0 * (fx - fy));
      lab.b[i] = static_cast<float>(200.0 * (fy - fz));
    }
  });
  return lab;
}

}  // namespace unsam::tree
