// The table of fusion kernels, each compiled once per instruction set. Floating-point arithmetic is never contracted:
// every table gives the same bits, and the same as the TypeScript versions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unsam {

// What is counted beside a mask: values above the lower and the upper stability threshold.
struct StabilityCounts {
  std::uint64_t low = 0, high = 0;
};

struct FusionKernels {
  const char* name;

  // bits = x > threshold (words_per_row(n) words), counts += x > low, x > high.
  void (*threshold_row)(const float* x, std::size_t n, float low, float threshold, float high, std::uint32_t* bits,
                        StabilityCounts* counts);
  // above = x > high, below = x < low.
  void (*classify_row)(const float* x, std::size_t n, float low, float high, std::uint32_t* above,
                       std::uint32_t* below);
  // Number of bits set in both.
  std::uint64_t (*common_bits)(const std::uint32_t* a, const std::uint32_t* b, std::size_t words);
  // out[x] = row[before[x]] * (1 - fraction[x]) + row[after[x]] * fraction[x], in double, rounded to float.
  void (*stretch_row)(const float* row, const std::int32_t* before, const std::int32_t* after, const float* fraction,
                      std::size_t n, float* out);
  // Where `wanted` is set: bits |= v > threshold, counts += v > low, v > high for v = upper * (1 - fraction) + lower *
  // fraction in double. The rows hold 32 * words floats.
  void (*blend_rows)(const float* upper, const float* lower, float fraction, const std::uint32_t* wanted,
                     std::size_t words, double low, double threshold, double high, std::uint32_t* bits,
                     StabilityCounts* counts);
  // Sum of a[k] * b[k] in double, in eight lanes.
  double (*dot8)(const float* a, const float* b, std::size_t n);

  // Rows of the region tree.
  // Symmetric convolution of a row padded by `radius` on both sides; kernel: centre first, [radius + 1].
  void (*blur_row)(const float* padded, std::size_t n, const double* kernel, std::size_t radius, float* out);
  // out = factor * row.
  void (*scale_row)(const float* row, double factor, std::size_t n, float* out);
  // out += factor * (a + b).
  void (*add_row_pair)(const float* a, const float* b, double factor, std::size_t n, float* out);
  // out = max(0, sums * scale), then sums += enter - leave.
  void (*running_mean_row)(const float* enter, const float* leave, double scale, std::size_t n, double* sums, float* out);
  // sum += (p - q)^2 / (p + q) where p and q differ.
  void (*add_chi_square)(const float* p, const float* q, std::size_t n, double* sum);
  // Sum of a[k] * b[k] in four lanes.
  double (*dot4)(const double* a, const double* b, std::size_t n);
  // out -= factor * a.
  void (*subtract_scaled)(const double* a, double factor, std::size_t n, double* out);
};

// The best table this CPU can run, narrowed by UNSAM_ISA as the decoder's is. Throws Error(bad_option).
const FusionKernels& fusion_kernels();

}  // namespace unsam
