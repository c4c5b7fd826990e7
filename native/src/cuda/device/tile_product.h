// Small matrix products on tensor cores, one 16 x 8 tile of results per warp, with operands read from wherever they lie.
//
// Precision: bfloat16 operands with float32 sums (`Bf16`), or float32 operands cut into two bfloat16 parts, hi + lo, and
// the three products hi hi, hi lo, lo hi (`Float32`): about 17 bits of each operand, 2^-17 relative error per product,
// the exponent range of float32, and the same instruction for both.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "cuda/device/tensor_core.h"

namespace unsam::cuda {

// A float in 16 bits with 11 of mantissa, clamped to its range of +-65504: how an image's products are kept. As an operand
// it is exactly the sum of two bfloat16.
struct Half {
  std::uint16_t bits;
};

// How matrices on the image side are stored and multiplied. Element: attention and the prompt's matrices, multiplied as
// one bfloat16 or as two. Product: what is prepared once per image; it enters scores, where an error of 2^-9 would be
// one of several per cent after the exponential, and is always multiplied in two parts.
struct Bf16 {
  using Element = std::uint16_t;
  using Product = Half;
  static constexpr bool split = false;
};
struct Float32 {
  using Element = float;
  using Product = float;
  static constexpr bool split = true;
};

__device__ __forceinline__ float from_element(float x) { return x; }
__device__ __forceinline__ float from_element(std::uint16_t x) { return __uint_as_float(static_cast<unsigned>(x) << 16); }
__device__ __forceinline__ float from_element(Half x) {
  float value, unused;
  unpack_half(x.bits, value, unused);
  return value;
}
__device__ __forceinline__ void store_element(float* at, float x) { *at = x; }
__device__ __forceinline__ void store_element(std::uint16_t* at, float x) {
  *at = static_cast<std::uint16_t>(pack_bf16(x, 0.0f) & 0xffffu);
}
__device__ __forceinline__ void store_element(Half* at, float x) {
  x = x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x;  // NaN stays
  at->bits = static_cast<std::uint16_t>(pack_half(x, 0.0f) & 0xffffu);
}
// Elements at[0] and at[1]; `at` aligned to both.
__device__ __forceinline__ float2 load_pair(const float* at) { return *reinterpret_cast<const float2*>(at); }
__device__ __forceinline__ float2 load_pair(const std::uint16_t* at) {
  const auto both = *reinterpret_cast<const std::uint32_t*>(at);
  return make_float2(__uint_as_float(both << 16), __uint_as_float(both & 0xffff0000u));
}
__device__ __forceinline__ float2 load_pair(const Half* at) {
  float2 pair;
  unpack_half(*reinterpret_cast<const std::uint32_t*>(at), pair.x, pair.y);
  return pair;
}

// Two neighbouring elements along the depth of a product.
template <bool Split>
struct Word {
  std::uint32_t hi = 0;
};
template <>
struct Word<true> {
  std::uint32_t hi = 0, lo = 0;
};

template <bool Split>
__device__ __forceinline__ Word<Split> make_word(float a, float b) {
  Word<Split> w;
  w.hi = pack_bf16(a, b);
  if constexpr (Split) w.lo = pack_bf16(a - __uint_as_float(w.hi << 16), b - __uint_as_float(w.hi & 0xffff0000u));
  return w;
}

// Operands. `operand.row(i)` is row i of a left factor or column i of a right one; `.word(k)` its elements k and k + 1 (k
// even), zeros outside.

// (i, k) = data[i ld + k]; data and ld even.
template <bool Split, typename T>
struct Rows {
  static constexpr bool split = Split;
  const T* data;
  int ld, rows, depth;
  struct Row {
    const T* at;
    int depth;
    __device__ __forceinline__ Word<Split> word(int k) const {
      if (k >= depth) return {};
      if constexpr (!Split && std::is_same_v<T, std::uint16_t>) {
        return {*reinterpret_cast<const std::uint32_t*>(at + k)};
      } else {
        const float2 pair = load_pair(at + k);
        return make_word<Split>(pair.x, pair.y);
      }
    }
  };
  __device__ __forceinline__ Row row(int i) const { return {data + static_cast<std::size_t>(i) * ld, i < rows ? depth : 0}; }
};

// (i, k) = data[i ld + k] factor[k].
template <bool Split>
struct ScaledRows {
  static constexpr bool split = Split;
  const float* data;
  int ld, rows, depth;
  const float* factor;
  struct Row {
    const float* at;
    const float* factor;
    int depth;
    __device__ __forceinline__ Word<Split> word(int k) const {
      if (k >= depth) return {};
      return make_word<Split>(at[k] * factor[k], at[k + 1] * factor[k + 1]);
    }
  };
  __device__ __forceinline__ Row row(int i) const { return {data + i * ld, factor, i < rows ? depth : 0}; }
};

// (i, k) = data[k ld + i].
template <bool Split, typename T>
struct Columns {
  static constexpr bool split = Split;
  const T* data;
  int ld, rows, depth;
  struct Row {
    const T* at;
    int ld, depth;
    __device__ __forceinline__ Word<Split> word(int k) const {
      if (k >= depth) return {};
      const T* first = at + static_cast<std::size_t>(k) * ld;
      const float a = from_element(first[0]), b = k + 1 < depth ? from_element(first[ld]) : 0.0f;
      return make_word<Split>(a, b);
    }
  };
  __device__ __forceinline__ Row row(int i) const { return {data + i, ld, i < rows ? depth : 0}; }
};

// A linear layer's weights in the panels of decoder/linear.h: (n, k) = data[n / 64][k][n % 64].
template <bool Split>
struct Panels {
  static constexpr bool split = Split;
  const float* data;
  int depth;
  struct Row {
    const float* at;
    __device__ __forceinline__ Word<Split> word(int k) const { return make_word<Split>(at[k * 64], at[(k + 1) * 64]); }
  };
  __device__ __forceinline__ Row row(int n) const { return {data + static_cast<std::size_t>(n / 64) * depth * 64 + n % 64}; }
};

template <bool SplitA, bool SplitB>
__device__ __forceinline__ void mma_words(float (&d)[4], const Word<SplitA> (&a)[4], const Word<SplitB> (&b)[2]) {
  const std::uint32_t a_hi[4] = {a[0].hi, a[1].hi, a[2].hi, a[3].hi}, b_hi[2] = {b[0].hi, b[1].hi};
  if constexpr (SplitA) {
    const std::uint32_t a_lo[4] = {a[0].lo, a[1].lo, a[2].lo, a[3].lo};
    mma_bf16(d, a_lo, b_hi);
  }
  if constexpr (SplitB) {
    const std::uint32_t b_lo[2] = {b[0].lo, b[1].lo};
    mma_bf16(d, a_hi, b_lo);
  }
  mma_bf16(d, a_hi, b_hi);
}

// A lane's place in a tile of results: rows g and g + 8, columns 2 t and 2 t + 1 (tensor_core.h).
struct Lane {
  int g, t;
  __device__ __forceinline__ Lane() : g(static_cast<int>(threadIdx.x) % 32 / 4), t(static_cast<int>(threadIdx.x) % 4) {}
  __device__ __forceinline__ int row(int i) const { return g + i / 2 * 8; }
  __device__ __forceinline__ int column(int i) const { return 2 * t + i % 2; }
};

// d[j] += the 16 x 8 tiles at (m0, n0 + 8 j) of a b over depth [k0, k1), k0 a multiple of 16. All 32 lanes. Unrolled: with the
// loads of four steps in flight, for operands that lie far away.
template <int Tiles, bool Unrolled = false, class A, class B>
__device__ __forceinline__ void accumulate(float (&d)[Tiles][4], const A& a, int m0, const B& b, int n0, int k0, int k1) {
  const Lane lane;
  const auto low = a.row(m0 + lane.g), high = a.row(m0 + lane.g + 8);
  const auto step = [&](int k) {
    const int at = k + 2 * lane.t;
    const Word<A::split> left[4] = {low.word(at), high.word(at), low.word(at + 8), high.word(at + 8)};
#pragma unroll
    for (int j = 0; j < Tiles; ++j) {
      const auto column = b.row(n0 + 8 * j + lane.g);
      const Word<B::split> right[2] = {column.word(at), column.word(at + 8)};
      mma_words<A::split, B::split>(d[j], left, right);
    }
  };
  if constexpr (Unrolled) {
#pragma unroll 4
    for (int k = k0; k < k1; k += 16) step(k);
  } else {
    for (int k = k0; k < k1; k += 16) step(k);
  }
}

template <class A, class B>
__device__ __forceinline__ void accumulate(float (&d)[4], const A& a, int m0, const B& b, int n0, int k0, int k1) {
  float tile[1][4] = {{d[0], d[1], d[2], d[3]}};
  accumulate<1>(tile, a, m0, b, n0, k0, k1);
#pragma unroll
  for (int i = 0; i < 4; ++i) d[i] = tile[0][i];
}

}  // namespace unsam::cuda
