#include <algorithm>
#include <cmath>
#include <numbers>

#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr double kTextureHalf = 3.0;  // gradient strength at which texture energy reaches one half, in L per pixel

void bin_positions(Plane& plane, double low, double high) {
  const double scale = (static_cast<double>(kBins) - 1.0) / (high - low);
  for (float& value : plane) {
    const double position = (static_cast<double>(value) - low) * scale;
    value = static_cast<float>(std::min(static_cast<double>(kBins - 1), std::max(0.0, position)));
  }
}

float saturate(double energy) { return static_cast<float>(energy / (energy + kTextureHalf)); }

}  // namespace

Channels channels_of(const Lab& lab, Size size, const ParallelFor& parallel) {
  const auto [width, height] = size;
  Channels channels;
  channels.bins = {gaussian_blur(lab.L, size, 1.0, parallel), gaussian_blur(lab.a, size, 1.0, parallel),
                   gaussian_blur(lab.b, size, 1.0, parallel)};
  const Plane wide = gaussian_blur(lab.L, size, 2.0, parallel);
  for (Plane& plane : channels.texture) plane.resize(size.count());
  for_bands(height, parallel, [&, width = width, height = height](std::size_t y0, std::size_t y1) {
    for (std::size_t scale = 0; scale < 2; ++scale) {
      const Plane& plane = scale == 0 ? channels.bins[0] : wide;
      auto* const orientation = &channels.texture[scale * 4];
      for (std::size_t y = y0; y < y1; ++y) {
        const std::size_t row = y * width, above = (y == 0 ? 0 : y - 1) * width;
        const std::size_t below = std::min(height - 1, y + 1) * width;
        for (std::size_t x = 0; x < width; ++x) {
          const double left = plane[row + (x == 0 ? 0 : x - 1)], right = plane[row + std::min(width - 1, x + 1)];
          const double gx = (right - left) / 2.0;
          const double gy = (static_cast<double>(plane[below + x]) - static_cast<double>(plane[above + x])) / 2.0;
          orientation[0][row + x] = saturate(std::abs(gx));
          orientation[1][row + x] = saturate(std::abs(gx + gy) * (std::numbers::sqrt2 / 2.0));
          orientation[2][row + x] = saturate(std::abs(gy));
          orientation[3][row + x] = saturate(std::abs(gx - gy) * (std::numbers::sqrt2 / 2.0));
        }
      }
    }
    for (std::size_t i = y0 * width; i < y1 * width; ++i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < 8; ++k) {
        sum += static_cast<double>(channels.texture[k][i]);
        channels.texture[k][i] /= 8.0f;
      }
      channels.texture[8][i] = static_cast<float>(1.0 - sum / 8.0);
    }
  });
  bin_positions(channels.bins[0], 0.0, 100.0);
  bin_positions(channels.bins[1], -40.0, 40.0);
  bin_positions(channels.bins[2], -40.0, 40.0);
  return channels;
}

}  // namespace unsam::tree
