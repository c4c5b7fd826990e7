// Row operations of the region tree. Plain loops over independent elements, for the compiler to vectorise; arithmetic in
// double, rounded to float where the TypeScript version's typed arrays round.
#include "fusion/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

typedef double Lanes4 __attribute__((vector_size(32)));

}  // namespace

void blur_row(const float* padded, std::size_t n, const double* kernel, std::size_t radius, float* out) {
  constexpr std::size_t kBlock = 64;
  for (std::size_t x0 = 0; x0 < n; x0 += kBlock) {
    const std::size_t m = n - x0 < kBlock ? n - x0 : kBlock;
    const float* centre = padded + x0 + radius;
    double sum[kBlock];
    for (std::size_t x = 0; x < m; ++x) sum[x] = kernel[0] * static_cast<double>(centre[x]);
    for (std::size_t k = 1; k <= radius; ++k) {
      const float *before = centre - k, *after = centre + k;
      for (std::size_t x = 0; x < m; ++x) {
        sum[x] += kernel[k] * (static_cast<double>(before[x]) + static_cast<double>(after[x]));
      }
    }
    for (std::size_t x = 0; x < m; ++x) out[x0 + x] = static_cast<float>(sum[x]);
  }
}

void scale_row(const float* __restrict row, double factor, std::size_t n, float* __restrict out) {
  for (std::size_t x = 0; x < n; ++x) out[x] = static_cast<float>(factor * static_cast<double>(row[x]));
}

void add_row_pair(const float* __restrict a, const float* __restrict b, double factor, std::size_t n,
                  float* __restrict out) {
  for (std::size_t x = 0; x < n; ++x) {
    const double both = static_cast<double>(a[x]) + static_cast<double>(b[x]);
    out[x] = static_cast<float>(static_cast<double>(out[x]) + factor * both);
  }
}

void running_mean_row(const float* __restrict enter, const float* __restrict leave, double scale, std::size_t n,
                      double* __restrict sums, float* __restrict out) {
  for (std::size_t x = 0; x < n; ++x) {
    const double mean = sums[x] * scale;
    out[x] = static_cast<float>(mean > 0.0 ? mean : 0.0);
    sums[x] += static_cast<double>(enter[x]) - static_cast<double>(leave[x]);
  }
}

void add_chi_square(const float* __restrict p, const float* __restrict q, std::size_t n, double* __restrict sum) {
  for (std::size_t x = 0; x < n; ++x) {
    const double a = static_cast<double>(p[x]), b = static_cast<double>(q[x]), d = a - b;
    const double whole = d != 0.0 ? a + b : 1.0;  // equal values, both 0 among them, differ by nothing
    sum[x] += d * d / whole;
  }
}

double dot4(const double* a, const double* b, std::size_t n) {
  Lanes4 sum{};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Lanes4 x, y;
    __builtin_memcpy(&x, a + i, sizeof x);
    __builtin_memcpy(&y, b + i, sizeof y);
    sum += x * y;
  }
  double s0 = sum[0];
  for (; i < n; ++i) s0 += a[i] * b[i];
  return s0 + sum[1] + (sum[2] + sum[3]);
}

void subtract_scaled(const double* __restrict a, double factor, std::size_t n, double* __restrict out) {
  for (std::size_t i = 0; i < n; ++i) out[i] -= factor * a[i];
}

}  // namespace unsam::UNSAM_ISA
