// One SIMD register of floats through GCC/Clang vector extensions, as wide as the instruction set this file is compiled
// for. Only for src/cpu/kernels: nothing here may have external linkage or come from the standard library, else the
// linker could keep a copy with instructions that another CPU lacks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/kernels.h"

#if defined(__AVX512BF16__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns inside its own headers (bug 105593)
#endif
#include <immintrin.h>
#endif

#ifndef UNSAM_ISA
#error "compiled once per instruction set with -DUNSAM_ISA=name"
#endif

namespace unsam::UNSAM_ISA {

#if defined(__AVX512F__)
inline constexpr std::size_t kWidth = 16, kTileRows = 6, kTileVectors = 4;
#elif defined(__AVX2__)
inline constexpr std::size_t kWidth = 8, kTileRows = 6, kTileVectors = 2;
#elif defined(__aarch64__)
inline constexpr std::size_t kWidth = 4, kTileRows = 6, kTileVectors = 4;
#else
inline constexpr std::size_t kWidth = 4, kTileRows = 4, kTileVectors = 2;
#endif

typedef float Vec __attribute__((vector_size(kWidth * 4)));
typedef std::int32_t IVec __attribute__((vector_size(kWidth * 4)));

static inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline Vec read(const float* p) { return load(p); }
#if defined(__AVX512BF16__)
// float16.
static inline Vec read(const std::uint16_t* p) {
  __m256i raw;
  __builtin_memcpy(&raw, p, sizeof raw);
  return (Vec)_mm512_cvtph_ps(raw);
}
#endif

static inline void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }

// Asks for a cache line that will be read in a microsecond or so; the address need not be valid. Streams of a decode come
// from memory, and processors follow them by themselves only to the end of a page, which is 16 rows of a block.
static inline void fetch(const void* p) { __builtin_prefetch(p, 0, 2); }
inline constexpr std::size_t kLine = 64;  // bytes
// A row of a block.
template <class T>
static inline void fetch_row(const T* p) {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kLanes; i += kLine / sizeof(T)) fetch(p + i);
}

// Fetches from an Ahead (null: nothing) for the length of a loop.
class Fetching {
 public:
  explicit inline Fetching(Ahead* ahead) {
    if (ahead == nullptr) return;
    for (Ahead::Segment& s : ahead->segments) {
      if (s.at == s.end) continue;
      segment_ = &s;
      at_ = s.at;
      end_ = s.end;
      return;
    }
  }
  inline ~Fetching() {
    if (segment_ != nullptr) segment_->at = at_;
  }
  Fetching(const Fetching&) = delete;

  template <std::size_t Lines = 1>
  inline void step() {
    for (std::size_t i = 0; i < Lines && at_ != end_; ++i, at_ += kLine) fetch(at_);
  }

 private:
  Ahead::Segment* segment_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

// Not 0 + x: that is another number for x = -0, so the compiler would add before it broadcasts, in each step of a product.
static inline Vec splat(float x) { return x - Vec{}; }

static inline Vec max(Vec a, Vec b) { return a > b ? a : b; }
static inline Vec min(Vec a, Vec b) { return a < b ? a : b; }

template <std::size_t N>
struct Halving {
  typedef float V __attribute__((vector_size(N * 4)));
  static inline float sum(V v) {
    typename Halving<N / 2>::V lo, hi;
    __builtin_memcpy(&lo, &v, sizeof lo);
    __builtin_memcpy(&hi, reinterpret_cast<const char*>(&v) + sizeof lo, sizeof hi);
    return Halving<N / 2>::sum(lo + hi);
  }
};
template <>
struct Halving<2> {
  typedef float V __attribute__((vector_size(8)));
  static inline float sum(V v) { return v[0] + v[1]; }
};

static inline float horizontal_sum(Vec v) { return Halving<kWidth>::sum(v); }

static inline float horizontal_max(Vec v) {
  float m = v[0];
  for (std::size_t i = 1; i < kWidth; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

// exp(x), relative error below 2e-7 for x in [-87, 88]; below that range it returns about 1e-38. NaN stays NaN.
static inline Vec exp(Vec x) {
  const Vec low = splat(-87.0f);
  x = x < low ? low : x;
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
  const Vec shifted = x * 1.44269504f + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * 0.693359375f;  // ln 2 in two parts
  r = r + n * 2.12194440e-4f;
  // Taylor to r^6 / 720 on |r| <= ln 2 / 2: remainder 1.2e-7 * r.
  Vec p = splat(1.0f / 720.0f);
  p = p * r + splat(1.0f / 120.0f);
  p = p * r + splat(1.0f / 24.0f);
  p = p * r + splat(1.0f / 6.0f);
  p = p * r + splat(0.5f);
  p = p * r + splat(1.0f);
  p = p * r + splat(1.0f);
  IVec bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = bits << 23;  // the integer lands in the exponent field
  IVec pbits;
  __builtin_memcpy(&pbits, &p, sizeof pbits);
  pbits += bits;
  __builtin_memcpy(&p, &pbits, sizeof p);
  return p;
}

}  // namespace unsam::UNSAM_ISA
