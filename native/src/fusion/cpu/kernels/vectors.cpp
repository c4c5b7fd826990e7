// Products of vectors in float64, in a fixed number of lanes, so that the sums are the same on every CPU.
#include "fusion/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

typedef double Lanes8 __attribute__((vector_size(64)));
typedef float Floats8 __attribute__((vector_size(32)));

}  // namespace

double dot8(const float* a, const float* b, std::size_t n) {
  Lanes8 sum{};
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    Floats8 x, y;
    __builtin_memcpy(&x, a + k, sizeof x);
    __builtin_memcpy(&y, b + k, sizeof y);
    sum += __builtin_convertvector(x, Lanes8) * __builtin_convertvector(y, Lanes8);
  }
  double s0 = sum[0];
  for (; k < n; ++k) s0 += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  return s0 + sum[1] + (sum[2] + sum[3]) + (sum[4] + sum[5] + (sum[6] + sum[7]));
}

}  // namespace unsam::UNSAM_ISA
