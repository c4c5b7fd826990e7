// Comparisons of 32 values into one word, and popcounts, for one instruction set. Nothing here has external linkage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fusion/cpu/kernels.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#ifndef UNSAM_ISA
#error "compiled once per instruction set with -DUNSAM_ISA=name"
#endif

namespace unsam::UNSAM_ISA {

static inline std::uint32_t popcount(std::uint32_t word) { return static_cast<std::uint32_t>(__builtin_popcount(word)); }

#if defined(__AVX512F__)

// Bit i: x[i] > t.
static inline std::uint32_t above_word(const float* x, float t) {
  const __m512 limit = _mm512_set1_ps(t);
  const std::uint32_t a = _mm512_cmp_ps_mask(_mm512_loadu_ps(x), limit, _CMP_GT_OQ);
  const std::uint32_t b = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + 16), limit, _CMP_GT_OQ);
  return a | b << 16;
}
static inline std::uint32_t below_word(const float* x, float t) {
  const __m512 limit = _mm512_set1_ps(t);
  const std::uint32_t a = _mm512_cmp_ps_mask(_mm512_loadu_ps(x), limit, _CMP_LT_OQ);
  const std::uint32_t b = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + 16), limit, _CMP_LT_OQ);
  return a | b << 16;
}

#elif defined(__AVX2__)

template <int Compare>
static inline std::uint32_t compare_word(const float* x, float t) {
  const __m256 limit = _mm256_set1_ps(t);
  std::uint32_t word = 0;
  for (int part = 0; part < 4; ++part) {
    const __m256 hit = _mm256_cmp_ps(_mm256_loadu_ps(x + 8 * part), limit, Compare);
    word |= static_cast<std::uint32_t>(_mm256_movemask_ps(hit)) << (8 * part);
  }
  return word;
}
static inline std::uint32_t above_word(const float* x, float t) { return compare_word<_CMP_GT_OQ>(x, t); }
static inline std::uint32_t below_word(const float* x, float t) { return compare_word<_CMP_LT_OQ>(x, t); }

#else

static inline std::uint32_t above_word(const float* x, float t) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 32; ++i) word |= static_cast<std::uint32_t>(x[i] > t) << i;
  return word;
}
static inline std::uint32_t below_word(const float* x, float t) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 32; ++i) word |= static_cast<std::uint32_t>(x[i] < t) << i;
  return word;
}

#endif

}  // namespace unsam::UNSAM_ISA
