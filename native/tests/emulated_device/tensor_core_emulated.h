// Counterparts of the PTX wrappers in src/cuda/device/tensor_core.h, written from the fragment layouts of the PTX ISA.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda_runtime.h"

namespace unsam::cuda {

inline std::uint32_t round_bf16(float x) {  // to nearest even; NaN becomes the canonical one
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (x != x) return 0x7fffu;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

inline std::uint32_t pack_bf16(float low, float high) { return round_bf16(low) | round_bf16(high) << 16; }

inline std::uint32_t round_half(float x) {  // to nearest even, with subnormals
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const float size = std::fabs(x);
  if (x != x) return 0x7fffu;
  if (size >= 65520.0f) return sign | 0x7c00u;
  if (size == 0.0f) return sign;  // frexp says exponent 0 for it
  // Adding a number whose last bit weighs as much as the half's rounds there.
  int exponent = 0;
  (void)std::frexp(size, &exponent);
  const int last = std::max(exponent - 11, -24);  // weight of the last bit
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, -last)));  // at most 2048
  return sign | ((static_cast<std::uint32_t>(last + 24) << 10) + steps);  // the leading bit of steps adds one to the exponent
}
inline std::uint32_t pack_half(float low, float high) { return round_half(low) | round_half(high) << 16; }
inline float half_to_float(std::uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 31u);
  const auto fraction = static_cast<float>(half & 1023u);
  float size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0f + fraction, exponent - 25);
  if (exponent == 31) size = fraction == 0.0f ? INFINITY : NAN;
  return (half & 0x8000u) != 0 ? -size : size;
}
inline void unpack_half(std::uint32_t packed, float& low, float& high) {
  low = half_to_float(packed & 0xffffu);
  high = half_to_float(packed >> 16);
}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  std::uint32_t in[10], out[4];
  std::memcpy(in, a, 16);
  std::memcpy(in + 4, b, 8);
  std::memcpy(in + 6, d, 16);
  emulated::collective("mma.sync", 0xffffffffu, in, 10, out, 4, [](emulated::Collective& c) {
    if (c.mask != 0xffffffffu) emulated::fault("mma.sync needs all 32 lanes");
    const auto half = [](std::uint32_t word, int which) { return std::bit_cast<float>(word >> (16 * which) << 16); };
    float left[16][16], right[16][8], sum[16][8];
    for (int lane = 0; lane < 32; ++lane) {
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < 4; ++i) {  // register i: rows g, g + 8 alternate; columns 2t.. then 2t + 8..
        for (int h = 0; h < 2; ++h) left[g + i % 2 * 8][2 * t + i / 2 * 8 + h] = half(c.in[lane][i], h);
      }
      for (int i = 0; i < 2; ++i) {
        for (int h = 0; h < 2; ++h) right[2 * t + i * 8 + h][g] = half(c.in[lane][4 + i], h);
      }
      for (int i = 0; i < 4; ++i) std::memcpy(&sum[g + i / 2 * 8][2 * t + i % 2], &c.in[lane][6 + i], 4);
    }
    for (int m = 0; m < 16; ++m) {
      for (int k = 0; k < 16; ++k) {
        for (int n = 0; n < 8; ++n) sum[m][n] += left[m][k] * right[k][n];
      }
    }
    for (int lane = 0; lane < 32; ++lane) {
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < 4; ++i) std::memcpy(&c.out[lane][i], &sum[g + i / 2 * 8][2 * t + i % 2], 4);
    }
  });
  std::memcpy(d, out, 16);
}

inline void copy_async_16(void* shared, const void* global) {
  if (reinterpret_cast<std::uintptr_t>(shared) % 16 != 0 || reinterpret_cast<std::uintptr_t>(global) % 16 != 0) {
    emulated::fault("cp.async of 16 bytes needs addresses aligned to 16");
  }
  std::memcpy(shared, global, 16);
}
inline void copy_async_wait() {}

}  // namespace unsam::cuda
