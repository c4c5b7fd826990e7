// The exact (erf) GELU as max(x, 0) - c(|x|), c a polynomial (tools/fit_gelu.py). Absolute error below 1e-7 (Coarse:
// below 3e-5) plus float32 rounding of the result.
#pragma once

#include "cpu/kernels/gelu_coefficients.h"
#include "cpu/kernels/simd.h"

namespace unsam::UNSAM_ISA {

// c[I] + u (c[I + 1] + u (...)), unrolled.
template <std::size_t I = 0, std::size_t N>
static inline Vec polynomial(const float (&c)[N], Vec u) {
  if constexpr (I + 1 == N) {
    return splat(c[I]);
  } else {
    return polynomial<I + 1>(c, u) * u + splat(c[I]);
  }
}

template <bool Coarse = false>
static inline Vec gelu(Vec x) {
  const Vec zero{};
  const Vec t = max(x, zero - x);
  const Vec u = t * (2.0f / kGeluLimit) - 1.0f;
  Vec p;
  if constexpr (Coarse) {
    p = polynomial(kGeluCoarse, u);
  } else {
    p = polynomial(kGeluExact, u);
  }
  p = t < splat(kGeluLimit) ? p : zero;
  // x * 0 keeps NaN and turns an infinite logit into NaN instead of a silent 0.
  return (x > zero ? x : x * 0.0f) - p;
}

}  // namespace unsam::UNSAM_ISA
