#include "bfloat16_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace reference {
namespace {

using namespace unsam;
using Half = std::uint16_t;

float wide(Half x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }

// To nearest even; numbers only.
Half narrow(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<Half>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double from_float16(Half x) {
  const int exponent = x >> 10 & 31, fraction = x & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return x >> 15 == 0 ? size : -size;
}

Half to_float16(float x) {
  const Half sign = std::signbit(x) ? 0x8000 : 0;
  const double size = std::min(std::abs(double{x}), 65504.0);
  if (size < std::ldexp(1.0, -14)) return static_cast<Half>(sign | static_cast<int>(std::nearbyint(std::ldexp(size, 24))));
  int exponent = 0;
  const double fraction = std::frexp(size, &exponent);
  const int rounded = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));
  return static_cast<Half>(sign | (((exponent + 14) << 10) + rounded - 1024));
}

void to_rows(std::size_t n, const float* x, Half* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = narrow(x[i]);
}
void from_rows(std::size_t n, const Half* x, float* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = wide(x[i]);
}
void split_rows(std::size_t n, const float* x, Half* high, Half* low) {
  for (std::size_t i = 0; i < n; ++i) {
    high[i] = narrow(x[i]);
    low[i] = narrow(x[i] - wide(high[i]));
  }
}

std::size_t pair_at(std::size_t row, std::size_t lane) { return (row / 2 * kLanes + lane) * 2 + row % 2; }

void to_pairs(std::size_t rows, const float* block, Half* out) {
  for (std::size_t i = 0; i < rows * kLanes; ++i) out[pair_at(i / kLanes, i % kLanes)] = narrow(block[i]);
}
void from_pairs(std::size_t rows, const Half* pairs, float* block) {
  for (std::size_t i = 0; i < rows * kLanes; ++i) block[i] = wide(pairs[pair_at(i / kLanes, i % kLanes)]);
}
void rows_from_pairs(std::size_t rows, const Half* pairs, Half* out) {
  for (std::size_t i = 0; i < rows * kLanes; ++i) out[i] = pairs[pair_at(i / kLanes, i % kLanes)];
}
void to_half(std::size_t n, const float* x, Half* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = to_float16(x[i]);
}
void from_half(std::size_t n, const Half* x, float* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(from_float16(x[i]));
}

void gemm(const GemmBf16Args& g) {
  std::vector<float> row(kLanes);
  for (std::size_t i = 0; i < g.m; ++i) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      row[lane] = g.c0 == nullptr ? 0.0f : g.c0[i * g.ld0 + lane] * (g.scale == nullptr ? 1.0f : g.scale[lane]);
      for (std::size_t k = 0; k < g.k; ++k) row[lane] += wide(g.a[i * g.lda + k]) * wide(g.b[pair_at(k, lane)]);
    }
    std::copy(row.begin(), row.end(), g.c + i * g.ldc);
  }
}

void by_head(const ByHeadBf16Args& b) {
  for (std::size_t row = 0; row < kHeads * b.t; ++row) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      float sum = b.c0 == nullptr ? 0.0f : b.c0[row * kLanes + lane];
      for (std::size_t k = row / b.t * kHeadDim; k < (row / b.t + 1) * kHeadDim; ++k) {
        const std::size_t at = row % b.t * kInner + k;
        sum += (wide(b.q_high[at]) + wide(b.q_low[at])) * wide(b.b[pair_at(k, lane)]);
      }
      b.c[row * kLanes + lane] = sum;
    }
  }
}

void dot(const Dot<Half>& d) {
  for (std::size_t i = 0; i < d.m; ++i) {
    for (std::size_t j = 0; j < d.n; ++j) {
      float sum = 0;
      for (std::size_t lane = 0; lane < d.blocks * kLanes; ++lane) {
        const std::size_t block = lane / kLanes, at = lane % kLanes;
        sum += wide(d.a[block * d.a_block + i * kLanes + at]) * wide(d.b[block * d.b_block + j * kLanes + at]);
      }
      d.out[i * d.ldo + j] = sum;
    }
  }
}

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

void upscale_norm(const UpscaleNorm<Half>& u) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    double x[kUp1], mean = 0, square = 0;
    for (std::size_t c = 0; c < kUp1; ++c) {
      const std::size_t at = c * kLanes + lane;
      const double base = u.base_scale[lane] * from_float16(u.base[at]);
      x[c] = u.scale[lane] * (u.x[at] + base + u.shift[c]) + from_float16(u.skip[at]);
      mean += x[c] / kUp1;
    }
    for (const double v : x) square += (v - mean) * (v - mean) / kUp1;
    for (std::size_t c = 0; c < kUp1; ++c) {
      u.x[c * kLanes + lane] = static_cast<float>(gelu((x[c] - mean) / std::sqrt(square + u.eps) * u.gain[c] + u.bias[c]));
    }
  }
}

void gelu_dot(const GeluDot<Half>& g) {
  for (std::size_t mask = 0; mask < g.masks; ++mask) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      double sum = 0;
      for (std::size_t row = 0; row < kUp0; ++row) {
        sum += g.hyper[mask * kUp0 + row] * gelu(g.x[row * kLanes + lane] + from_float16(g.skip[row * kLanes + lane]));
      }
      g.out[mask * g.ldo + lane] = static_cast<float>(sum);
    }
  }
}

}  // namespace

const Bfloat16Kernels& bfloat16_kernels() {
  static const Bfloat16Kernels kernels{.rows = 12,
                                       .cost = 1.0,
                                       .gemm = gemm,
                                       .by_head = by_head,
                                       .dot = dot,
                                       .to_rows = to_rows,
                                       .from_rows = from_rows,
                                       .split_rows = split_rows,
                                       .to_pairs = to_pairs,
                                       .from_pairs = from_pairs,
                                       .rows_from_pairs = rows_from_pairs,
                                       .to_half = to_half,
                                       .from_half = from_half,
                                       .upscale_norm = upscale_norm,
                                       .gelu_dot = gelu_dot};
  return kernels;
}

}  // namespace reference
