// Upscaling of one sub-pixel: LayerNorm over channels (eps 1e-6) and GELU, then GELU and the dot products with the
// hypernetworks' outputs. The skip maps are the largest stream of a decode, hence the fetches.
#include "cpu/kernels/gelu.h"
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

void gelu(std::size_t n, float* x) {
  for (std::size_t i = 0; i < n; i += kWidth) store(x + i, gelu(load(x + i)));
}

namespace {

template <bool Coarse, class T>
inline void norm(const UpscaleNorm<T>& u) {
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    const Vec scale = load(u.scale + lane), base_scale = load(u.base_scale + lane);
    Vec mean{};
    for (std::size_t c = 0; c < kUp1; ++c) {
      const std::size_t at = c * kLanes + lane;
      if (lane == 0) {  // of the next sub-pixel
        fetch_row(u.base + at + kUp1 * kLanes);
        fetch_row(u.skip + at + kUp1 * kLanes);
      }
      const Vec x = scale * (load(u.x + at) + base_scale * read(u.base + at) + u.shift[c]) + read(u.skip + at);
      store(u.x + at, x);
      mean += x;
    }
    mean *= 1.0f / kUp1;
    Vec square{};
    for (std::size_t c = 0; c < kUp1; ++c) {
      const Vec d = load(u.x + c * kLanes + lane) - mean;
      square += d * d;
    }
    Vec inverse;
    const Vec variance = square * (1.0f / kUp1) + u.eps;
    for (std::size_t i = 0; i < kWidth; ++i) inverse[i] = 1.0f / __builtin_sqrtf(variance[i]);
    for (std::size_t c = 0; c < kUp1; ++c) {
      const std::size_t at = c * kLanes + lane;
      store(u.x + at, gelu<Coarse>((load(u.x + at) - mean) * inverse * u.gain[c] + u.bias[c]));
    }
  }
}

template <bool Coarse, class T>
inline void run(const GeluDot<T>& g) {
  constexpr std::size_t step = 2 * kWidth < kLanes ? 2 * kWidth : kLanes;
  for (std::size_t lane = 0; lane < kLanes; lane += step) {
    for (std::size_t mask = 0; mask < g.masks; mask += 4) {
      const std::size_t n = g.masks - mask < 4 ? g.masks - mask : 4;
      Vec sum[4][2] = {};
      for (std::size_t c = 0; c < kUp0; ++c) {
        const std::size_t at = c * kLanes + lane;
        if (lane == 0 && mask == 0) fetch_row(g.skip + at + kUp0 * kLanes);
        const Vec a = gelu<Coarse>(load(g.x + at) + read(g.skip + at));
        const Vec b = gelu<Coarse>(load(g.x + at + kWidth) + read(g.skip + at + kWidth));
        for (std::size_t i = 0; i < n; ++i) {
          const float h = g.hyper[(mask + i) * kUp0 + c];
          sum[i][0] += a * h;
          sum[i][1] += b * h;
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        store(g.out + (mask + i) * g.ldo + lane, sum[i][0]);
        store(g.out + (mask + i) * g.ldo + lane + kWidth, sum[i][1]);
      }
    }
  }
}

}  // namespace

void upscale_norm(const UpscaleNorm<float>& u) { norm<false>(u); }
void gelu_dot(const GeluDot<float>& g) { run<false>(g); }
#if defined(__AVX512BF16__)
void upscale_norm_half(const UpscaleNorm<std::uint16_t>& u) { norm<true>(u); }
void gelu_dot_half(const GeluDot<std::uint16_t>& g) { run<true>(g); }
#endif

}  // namespace unsam::UNSAM_ISA
