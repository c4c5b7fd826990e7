// Between float32 and the formats of 16 bits.
#include "cpu/kernels/table.h"

#if defined(__AVX512BF16__)
namespace unsam::UNSAM_ISA {
namespace {

inline __m512i widen(__m256i x) { return _mm512_cvtepu16_epi32(x); }
inline __m512 from_high(__m512i x) { return _mm512_castsi512_ps(x); }

inline __m256i round(__m512 x) {
  const __m256bh rounded = _mm512_cvtneps_pbh(x);
  __m256i bits;
  __builtin_memcpy(&bits, &rounded, sizeof bits);
  return bits;
}

inline __m256i read16(const std::uint16_t* x) {
  __m256i v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}

inline void write16(std::uint16_t* out, __m256i v) { __builtin_memcpy(out, &v, sizeof v); }

inline __m512 read_row(const std::uint16_t* x) { return from_high(_mm512_slli_epi32(widen(read16(x)), 16)); }

}  // namespace

void to_rows(std::size_t n, const float* x, std::uint16_t* out) {
  for (std::size_t i = 0; i < n; i += 16) {
    write16(out + i, round(_mm512_loadu_ps(x + i)));
  }
}

void from_rows(std::size_t n, const std::uint16_t* x, float* out) {
  for (std::size_t i = 0; i < n; i += 16) {
    _mm512_storeu_ps(out + i, read_row(x + i));
  }
}

void split_rows(std::size_t n, const float* x, std::uint16_t* high, std::uint16_t* low) {
  to_rows(n, x, high);
  for (std::size_t i = 0; i < n; i += 16) {
    write16(low + i, round(_mm512_sub_ps(_mm512_loadu_ps(x + i), read_row(high + i))));
  }
}

void to_pairs(std::size_t rows, const float* block, std::uint16_t* out) {
  for (std::size_t row = 0; row < rows; row += 2) {
    for (std::size_t lane = 0; lane < kLanes; lane += 16) {
      const __m512i even = widen(round(_mm512_loadu_ps(block + row * kLanes + lane)));
      const __m512i odd = widen(round(_mm512_loadu_ps(block + (row + 1) * kLanes + lane)));
      _mm512_storeu_si512(out + row * kLanes + 2 * lane, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
  }
}

void from_pairs(std::size_t rows, const std::uint16_t* pairs, float* block) {
  for (std::size_t row = 0; row < rows; row += 2) {
    for (std::size_t lane = 0; lane < kLanes; lane += 16) {
      const __m512i both = _mm512_loadu_si512(pairs + row * kLanes + 2 * lane);
      _mm512_storeu_ps(block + row * kLanes + lane, from_high(_mm512_slli_epi32(both, 16)));
      _mm512_storeu_ps(block + (row + 1) * kLanes + lane, from_high(_mm512_and_si512(both, _mm512_set1_epi32(-65536))));
    }
  }
}

void rows_from_pairs(std::size_t rows, const std::uint16_t* pairs, std::uint16_t* out) {
  for (std::size_t row = 0; row < rows; row += 2) {
    for (std::size_t lane = 0; lane < kLanes; lane += 16) {
      const __m512i both = _mm512_loadu_si512(pairs + row * kLanes + 2 * lane);
      write16(out + row * kLanes + lane, _mm512_cvtepi32_epi16(both));
      write16(out + (row + 1) * kLanes + lane, _mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
    }
  }
}

void to_half(std::size_t n, const float* x, std::uint16_t* out) {
  const __m512 largest = _mm512_set1_ps(65504.0f), least = _mm512_set1_ps(-65504.0f);
  for (std::size_t i = 0; i < n; i += 16) {
    // In this order of operands NaN stays NaN.
    const __m512 bounded = _mm512_max_ps(least, _mm512_min_ps(largest, _mm512_loadu_ps(x + i)));
    write16(out + i, _mm512_cvtps_ph(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
}

void from_half(std::size_t n, const std::uint16_t* x, float* out) {
  for (std::size_t i = 0; i < n; i += 16) store(out + i, read(x + i));
}

}  // namespace unsam::UNSAM_ISA
#endif
