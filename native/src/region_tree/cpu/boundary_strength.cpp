#include <algorithm>
#include <cmath>

#include "fusion/cpu/kernels.h"
#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr double kTextureWeight = 0.6;

// Opposite windows: half side of the box, and the steps between its centre and the pixel in four directions, in pixels
// of the half-size grid (radii 4 and 9).
struct Windows {
  std::size_t box;
  std::ptrdiff_t steps[4][2];
};
constexpr Windows kWindows[] = {{2, {{3, 0}, {2, 2}, {0, 3}, {-2, 2}}}, {4, {{5, 0}, {4, 4}, {0, 5}, {-4, 4}}}};

std::size_t clamped(std::ptrdiff_t at, std::size_t size) {
  return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at, 0, static_cast<std::ptrdiff_t>(size) - 1));
}

// Gradient of Lab at sigma 1.5 with weights 1, 1.5, 1.5, saturating as g / (g + 6).
Plane fine_strength(const Lab& lab, Size size, const ParallelFor& parallel) {
  const auto [width, height] = size;
  Plane squares(size.count());
  const std::pair<const Plane*, double> axes[] = {{&lab.L, 1.0}, {&lab.a, 1.5}, {&lab.b, 1.5}};
  for (const auto& [axis, weight] : axes) {
    const Plane plane = gaussian_blur(*axis, size, 1.5, parallel);
    const double scale = weight * weight / 4.0;
    for_bands(height, parallel, [&, width = width, height = height](std::size_t y0, std::size_t y1) {
      for (std::size_t y = y0; y < y1; ++y) {
        const std::size_t row = y * width, above = (y == 0 ? 0 : y - 1) * width;
        const std::size_t below = std::min(height - 1, y + 1) * width;
        for (std::size_t x = 0; x < width; ++x) {
          const double left = plane[row + (x == 0 ? 0 : x - 1)], right = plane[row + std::min(width - 1, x + 1)];
          const double gx = right - left;
          const double gy = static_cast<double>(plane[below + x]) - static_cast<double>(plane[above + x]);
          squares[row + x] = static_cast<float>(static_cast<double>(squares[row + x]) + scale * (gx * gx + gy * gy));
        }
      }
    });
  }
  for (float& value : squares) {
    const double g = std::sqrt(static_cast<double>(value));
    value = static_cast<float>(g / (g + 6.0));
  }
  return squares;
}

// Channels averaged over 2 x 2 pixels, [kChannels][half height, half width]. An odd last row or column stands alone.
std::vector<Plane> halve(const Channels& channels, Size size, Size half, const ParallelFor& parallel) {
  std::vector<Plane> planes(kChannels, Plane(half.count()));
  for_bands(half.height, parallel, [&](std::size_t y0, std::size_t y1) {
    for (std::size_t y = 2 * y0; y < std::min(2 * y1, size.height); ++y) {
      const double rows = y == size.height - 1 && size.height % 2 == 1 ? 1.0 : 2.0;
      for (std::size_t x = 0; x < size.width; ++x) {
        const double columns = x == size.width - 1 && size.width % 2 == 1 ? 1.0 : 2.0;
        const std::size_t at = y / 2 * half.width + x / 2;
        for_channels(channels, y * size.width + x, 1.0 / (rows * columns), [&](std::size_t k, double value) {
          planes[k][at] = static_cast<float>(static_cast<double>(planes[k][at]) + value);
        });
      }
    }
  });
  return planes;
}

// Mean over (2 radius + 1)^2 pixels, edge pixels repeated outwards, by running sums.
void box_mean(const Plane& plane, Size size, std::size_t radius, Plane& out) {
  const auto [width, height] = size;
  const double scale = 1.0 / static_cast<double>(2 * radius + 1);
  const auto reach = static_cast<std::ptrdiff_t>(radius);
  Plane rows(plane.size());
  for (std::size_t y = 0; y < height; ++y) {
    const float* row = plane.data() + y * width;
    double sum = 0.0;
    for (std::ptrdiff_t d = -reach; d <= reach; ++d) sum += static_cast<double>(row[clamped(d, width)]);
    for (std::size_t x = 0; x < width; ++x) {
      // Running sums may fall a rounding error below zero; a share never does.
      rows[y * width + x] = static_cast<float>(std::max(0.0, sum * scale));
      const auto at = static_cast<std::ptrdiff_t>(x);
      sum += static_cast<double>(row[clamped(at + reach + 1, width)]) - static_cast<double>(row[clamped(at - reach, width)]);
    }
  }
  std::vector<double> sums(width);
  for (std::ptrdiff_t d = -reach; d <= reach; ++d) {
    const float* row = rows.data() + clamped(d, height) * width;
    for (std::size_t x = 0; x < width; ++x) sums[x] += static_cast<double>(row[x]);
  }
  for (std::size_t y = 0; y < height; ++y) {
    const auto at = static_cast<std::ptrdiff_t>(y);
    fusion_kernels().running_mean_row(rows.data() + clamped(at + reach + 1, height) * width,
                                      rows.data() + clamped(at - reach, height) * width, scale, width, sums.data(),
                                      out.data() + y * width);
  }
}

// A row moved sideways, edge pixels repeated: out[x] = row[x + step].
void shift_row(const float* row, std::size_t width, std::ptrdiff_t step, float* out) {
  for (std::size_t x = 0; x < width; ++x) out[x] = row[clamped(static_cast<std::ptrdiff_t>(x) + step, width)];
}

// At half resolution, the chi-square difference of the channels between opposite windows: mean over the radii, maximum
// over four directions, brought back to full size.
Plane coarse_strength(const Channels& channels, Size size, const ParallelFor& parallel) {
  const Size half{(size.width + 1) / 2, (size.height + 1) / 2};
  const std::vector<Plane> planes = halve(channels, size, half, parallel);
  std::vector<Plane> windows(kChannels, Plane(half.count()));
  std::array<Plane, 4> directions;
  for (Plane& plane : directions) plane.resize(half.count());
  const double share = 1.0 / ((3.0 + kTextureWeight) * static_cast<double>(std::size(kWindows)));
  for (const Windows& window : kWindows) {
    parallel(kChannels, [&](std::size_t k) { box_mean(planes[k], half, window.box, windows[k]); });
    for_bands(half.height, parallel, [&](std::size_t y0, std::size_t y1) {
      std::vector<float> before(half.width), after(half.width);
      std::vector<double> colour(half.width), texture(half.width);
      for (std::size_t y = y0; y < y1; ++y) {
        for (std::size_t direction = 0; direction < 4; ++direction) {
          const auto [step_x, step_y] = window.steps[direction];
          const std::size_t p = clamped(static_cast<std::ptrdiff_t>(y) - step_y, half.height) * half.width;
          const std::size_t q = clamped(static_cast<std::ptrdiff_t>(y) + step_y, half.height) * half.width;
          std::fill(colour.begin(), colour.end(), 0.0);
          std::fill(texture.begin(), texture.end(), 0.0);
          for (std::size_t k = 0; k < kChannels; ++k) {
            shift_row(windows[k].data() + p, half.width, -step_x, before.data());
            shift_row(windows[k].data() + q, half.width, step_x, after.data());
            fusion_kernels().add_chi_square(before.data(), after.data(), half.width,
                                            k < kColour ? colour.data() : texture.data());
          }
          float* result = directions[direction].data() + y * half.width;
          for (std::size_t x = 0; x < half.width; ++x) {
            const double difference = colour[x] / 2.0 + kTextureWeight * (texture[x] / 2.0);
            result[x] = static_cast<float>(static_cast<double>(result[x]) + share * difference);
          }
        }
      }
    });
  }
  Plane& strongest = directions[0];
  for (std::size_t direction = 1; direction < 4; ++direction) {
    for (std::size_t i = 0; i < strongest.size(); ++i) strongest[i] = std::max(strongest[i], directions[direction][i]);
  }
  return double_size(strongest, half, size, parallel);
}

}  // namespace

Plane double_size(std::span<const float> plane, Size from, Size size, const ParallelFor& parallel) {
  Plane out(size.count());
  const auto place = [](std::size_t i, std::size_t limit) {
    const double at = std::max(0.0, (static_cast<double>(i) - 0.5) / 2.0);
    const std::size_t before = std::min(limit - 1, static_cast<std::size_t>(at));
    return std::pair(before, at - static_cast<double>(before));
  };
  for_bands(size.height, parallel, [&](std::size_t begin, std::size_t end) {
    for (std::size_t y = begin; y < end; ++y) {
      const auto [y0, fy] = place(y, from.height);
      const float* upper = plane.data() + y0 * from.width;
      const float* lower = plane.data() + std::min(from.height - 1, y0 + 1) * from.width;
      for (std::size_t x = 0; x < size.width; ++x) {
        const auto [x0, fx] = place(x, from.width);
        const std::size_t x1 = std::min(from.width - 1, x0 + 1);
        const double top = static_cast<double>(upper[x0]) * (1.0 - fx) + static_cast<double>(upper[x1]) * fx;
        const double bottom = static_cast<double>(lower[x0]) * (1.0 - fx) + static_cast<double>(lower[x1]) * fx;
        out[y * size.width + x] = static_cast<float>(top * (1.0 - fy) + bottom * fy);
      }
    }
  });
  return out;
}

Boundary boundary_strength(const Lab& lab, const Channels& channels, Size size, const ParallelFor& parallel) {
  const Plane fine = fine_strength(lab, size, parallel);
  const Plane coarse = coarse_strength(channels, size, parallel);
  Boundary boundary{Plane(size.count()), {}};
  Plane mix(size.count());
  for (std::size_t i = 0; i < mix.size(); ++i) {
    const double f = fine[i], c = coarse[i];
    boundary.strength[i] = static_cast<float>((2.0 * c + 1.2 * f) / 2.2);
    mix[i] = static_cast<float>((c + f) / 2.0);
  }
  boundary.relief = gaussian_blur(mix, size, 1.2, parallel);
  return boundary;
}

}  // namespace unsam::tree
