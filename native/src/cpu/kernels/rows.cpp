// Small operations on the rows of a block.
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

void scale_rows(std::size_t rows, const float* a, const float* shift, const float* scale, float* out) {
  const float* source = a != nullptr ? a : out;
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    const Vec factor = load(scale + lane);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t at = row * kLanes + lane;
      const float offset = shift != nullptr ? shift[row] : 0.0f;
      store(out + at, factor * (load(source + at) + offset));
    }
  }
}

void add_products(std::size_t rows, const float* a, const float* b, float* acc) {
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    Vec even = load(acc + lane), odd{};
    std::size_t row = 0;
    for (; row + 2 <= rows; row += 2) {
      const std::size_t at = row * kLanes + lane;
      even += load(a + at) * load(b + at);
      odd += load(a + at + kLanes) * load(b + at + kLanes);
    }
    if (row < rows) even += load(a + row * kLanes + lane) * load(b + row * kLanes + lane);
    store(acc + lane, even + odd);
  }
}

void inverse_std(float eps, float* n) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    // The norm is a sum of terms of both signs; rounding may leave it a little below zero where it should be zero.
    const float variance = n[lane] > 0.0f ? n[lane] * (1.0f / kDim) : n[lane] * 0.0f;
    n[lane] = 1.0f / __builtin_sqrtf(variance + eps);
  }
}

void image_norms(const float* block, const float* shift, const float* gain, const float* beta, float* scratch,
                 float* norms) {
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    Vec mean{};
    for (std::size_t c = 0; c < kDim; ++c) mean += load(block + c * kLanes + lane) + shift[c];
    mean *= 1.0f / kDim;
    Vec square{}, mean_y{};
    for (std::size_t c = 0; c < kDim; ++c) {
      const Vec x = load(block + c * kLanes + lane) + shift[c] - mean;
      square += x * x;
      const Vec y = x * gain[c];
      mean_y += y;
      store(scratch + c * kLanes + lane, y);
    }
    mean_y *= 1.0f / kDim;
    Vec square_y{}, along{};
    for (std::size_t c = 0; c < kDim; ++c) {
      const Vec y = load(scratch + c * kLanes + lane) - mean_y;
      square_y += y * y;
      along += y * beta[c];
    }
    store(norms + lane, square);
    store(norms + kLanes + lane, square_y);
    store(norms + 2 * kLanes + lane, along);
  }
}

}  // namespace unsam::UNSAM_ISA
