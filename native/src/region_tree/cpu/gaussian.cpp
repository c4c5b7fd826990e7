#include <algorithm>
#include <cmath>

#include "fusion/cpu/kernels.h"
#include "region_tree/cpu/elementary.h"
#include "region_tree/cpu/planes.h"

namespace unsam::tree {

Plane gaussian_blur(const Plane& plane, Size size, double sigma, const ParallelFor& parallel) {
  const auto [width, height] = size;
  const auto radius = static_cast<std::size_t>(std::ceil(3.0 * sigma));
  // Half of the kernel, centre first, normalised so that the whole sums to 1.
  std::vector<double> kernel(radius + 1);
  double total = 0.0;
  for (std::size_t k = 0; k <= radius; ++k) {
    kernel[k] = exponential(-static_cast<double>(k * k) / (2.0 * sigma * sigma));
    total += k == 0 ? kernel[k] : 2.0 * kernel[k];
  }
  for (double& value : kernel) value /= total;

  const FusionKernels& kernels = fusion_kernels();
  Plane rows(plane.size()), out(plane.size());
  for_bands(height, parallel, [&, width = width](std::size_t y0, std::size_t y1) {
    std::vector<float> padded(width + 2 * radius);
    for (std::size_t y = y0; y < y1; ++y) {
      const float* row = plane.data() + y * width;
      std::fill_n(padded.begin(), radius, row[0]);
      std::copy_n(row, width, padded.data() + radius);
      std::fill_n(padded.end() - static_cast<std::ptrdiff_t>(radius), radius, row[width - 1]);
      kernels.blur_row(padded.data(), width, kernel.data(), radius, rows.data() + y * width);
    }
  });
  for_bands(height, parallel, [&, width = width, height = height](std::size_t y0, std::size_t y1) {
    for (std::size_t y = y0; y < y1; ++y) {
      float* target = out.data() + y * width;
      kernels.scale_row(rows.data() + y * width, kernel[0], width, target);
      for (std::size_t k = 1; k <= radius; ++k) {
        const std::size_t above = y < k ? 0 : y - k, below = std::min(height - 1, y + k);
        kernels.add_row_pair(rows.data() + above * width, rows.data() + below * width, kernel[k], width, target);
      }
    }
  });
  return out;
}

}  // namespace unsam::tree
