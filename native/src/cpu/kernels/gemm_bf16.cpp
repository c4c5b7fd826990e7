// The matrix product of gemm.cpp with bfloat16 operands and float32 sums: on AMX tiles, or by AVX512_BF16 `vdpbf16ps` (two
// products per lane and instruction; Zen 4 doubles its rate by it, Sapphire Rapids gains nothing).
#include "cpu/kernels/table.h"

#if defined(__AMX_BF16__)
#include "cpu/kernels/gemm_amx.h"
#endif

namespace unsam::UNSAM_ISA {

#if defined(__AMX_BF16__)
void gemm_bf16(const GemmBf16Args& g) { gemm_amx(g); }
void by_head_bf16(const ByHeadBf16Args& g) { by_head_amx(g); }
#elif defined(__AVX512BF16__)
namespace {

template <std::size_t Rows>
inline void tile(const GemmBf16Args& g, std::size_t row) {
  __m512 acc[Rows][4];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const std::size_t at = j * 16;
      acc[i][j] = g.c0 == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(g.c0 + (row + i) * g.ld0 + at);
      if (g.scale != nullptr) acc[i][j] = _mm512_mul_ps(acc[i][j], _mm512_loadu_ps(g.scale + at));
    }
  }
  const std::uint16_t* a[Rows];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) a[i] = g.a + (row + i) * g.lda;
  const std::uint16_t* b = g.b;
  Fetching ahead(g.ahead);
  for (std::size_t k = 0; k < g.k; k += 2, b += 2 * kLanes) {
    ahead.step();
    __m512bh bv[4];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const __m512i raw = _mm512_loadu_si512(b + j * 32);
      __builtin_memcpy(&bv[j], &raw, sizeof raw);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      std::int32_t pair;
      __builtin_memcpy(&pair, a[i] + k, sizeof pair);
      const __m512i wide = _mm512_set1_epi32(pair);
      __m512bh av;
      __builtin_memcpy(&av, &wide, sizeof av);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) acc[i][j] = _mm512_dpbf16_ps(acc[i][j], av, bv[j]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) _mm512_storeu_ps(g.c + (row + i) * g.ldc + j * 16, acc[i][j]);
  }
}

template <std::size_t Rows>
inline void remainder(const GemmBf16Args& g, std::size_t row) {
  if constexpr (Rows > 0) {
    if (g.m - row == Rows) {
      tile<Rows>(g, row);
    } else {
      remainder<Rows - 1>(g, row);
    }
  }
}

}  // namespace

void gemm_bf16(const GemmBf16Args& g) {
  std::size_t row = 0;
  for (; row + 6 <= g.m; row += 6) tile<6>(g, row);
  remainder<5>(g, row);
}

void by_head_bf16(const ByHeadBf16Args& g) {
  for (std::size_t h = 0; h < kHeads; ++h) {
    const std::size_t row = h * g.t * kLanes;
    const std::uint16_t* b = g.b + h * kHeadDim * kLanes;
    gemm_bf16({g.t, kHeadDim, g.q_low + h * kHeadDim, kInner, b, g.c + row, kLanes, g.c0 == nullptr ? nullptr : g.c0 + row,
               kLanes, nullptr, g.ahead});
    gemm_bf16({g.t, kHeadDim, g.q_high + h * kHeadDim, kInner, b, g.c + row, kLanes, g.c + row, kLanes, nullptr, g.ahead});
  }
}
#endif

}  // namespace unsam::UNSAM_ISA
