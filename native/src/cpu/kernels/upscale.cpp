// Upscaling of one sub-pixel: LayerNorm over channels (eps 1e-6) and GELU, then GELU and the dot products with the
// hypernetworks' outputs.
#include "cpu/kernels/gelu.h"
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

void gelu(std::size_t n, float* x) {
  for (std::size_t i = 0; i < n; i += kWidth) store(x + i, gelu(load(x + i)));
}

namespace {

template <bool Coarse>
inline void norm(float* acc, const float* scale, const float* shift, const float* skip, const float* gain,
                 const float* bias, float eps) {
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    const Vec factor = load(scale + lane);
    Vec mean{};
    for (std::size_t c = 0; c < kUp1; ++c) {
      const std::size_t at = c * kLanes + lane;
      const Vec x = factor * (load(acc + at) + shift[c]) + load(skip + at);
      store(acc + at, x);
      mean += x;
    }
    mean *= 1.0f / kUp1;
    Vec square{};
    for (std::size_t c = 0; c < kUp1; ++c) {
      const Vec d = load(acc + c * kLanes + lane) - mean;
      square += d * d;
    }
    Vec inverse;
    const Vec variance = square * (1.0f / kUp1) + eps;
    for (std::size_t i = 0; i < kWidth; ++i) inverse[i] = 1.0f / __builtin_sqrtf(variance[i]);
    for (std::size_t c = 0; c < kUp1; ++c) {
      const std::size_t at = c * kLanes + lane;
      store(acc + at, gelu<Coarse>((load(acc + at) - mean) * inverse * gain[c] + bias[c]));
    }
  }
}

template <bool Coarse>
inline void run(const float* x, const float* hyper, std::size_t masks, float* out, std::size_t ldo) {
  constexpr std::size_t step = 2 * kWidth < kLanes ? 2 * kWidth : kLanes;
  for (std::size_t lane = 0; lane < kLanes; lane += step) {
    for (std::size_t mask = 0; mask < masks; mask += 4) {
      const std::size_t n = masks - mask < 4 ? masks - mask : 4;
      Vec sum[4][2] = {};
      for (std::size_t c = 0; c < kUp0; ++c) {
        const Vec a = gelu<Coarse>(load(x + c * kLanes + lane));
        const Vec b = gelu<Coarse>(load(x + c * kLanes + lane + kWidth));
        for (std::size_t i = 0; i < n; ++i) {
          const float h = hyper[(mask + i) * kUp0 + c];
          sum[i][0] += a * h;
          sum[i][1] += b * h;
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        store(out + (mask + i) * ldo + lane, sum[i][0]);
        store(out + (mask + i) * ldo + lane + kWidth, sum[i][1]);
      }
    }
  }
}

}  // namespace

void upscale_norm(float* acc, const float* scale, const float* shift, const float* skip, const float* gain,
                  const float* bias, float eps, bool coarse) {
  if (coarse) {
    norm<true>(acc, scale, shift, skip, gain, bias, eps);
  } else {
    norm<false>(acc, scale, shift, skip, gain, bias, eps);
  }
}

void gelu_dot(const float* x, const float* hyper, std::size_t masks, float* out, std::size_t ldo, bool coarse) {
  if (coarse) {
    run<true>(x, hyper, masks, out, ldo);
  } else {
    run<false>(x, hyper, masks, out, ldo);
  }
}

}  // namespace unsam::UNSAM_ISA
