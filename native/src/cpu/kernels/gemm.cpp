// C[m][L] = scale * C0 + A[m][k] * B[k][L]: the matrix product everything rests on. Register tiles of kTileRows rows by
// kTileVectors vectors; A is read as broadcast scalars straight from its row-major form.
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

constexpr std::size_t kAhead = 24;  // rows of B between a product and its fetches

template <std::size_t Rows>
inline void tile(const GemmArgs& g, std::size_t row, std::size_t lane) {
  Vec acc[Rows][kTileVectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kTileVectors; ++j) {
      const std::size_t at = lane + j * kWidth;
      acc[i][j] = g.c0 == nullptr ? Vec{} : load(g.c0 + (row + i) * g.ld0 + at);
      if (g.scale != nullptr) acc[i][j] *= load(g.scale + at);
    }
  }
  const float* a[Rows];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) a[i] = g.a + (row + i) * g.lda;
  const float* b = g.b + lane;
  const bool from_memory = g.ahead == nullptr && row == 0;  // further rows of A meet B in the cache
  Fetching ahead(g.ahead);
  for (std::size_t k = 0; k < g.k; ++k, b += kLanes) {
    Vec bv[kTileVectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kTileVectors; ++j) bv[j] = load(b + j * kWidth);
    ahead.step();
    if (from_memory) {
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kTileVectors * kWidth; j += kLine / sizeof(float)) fetch(b + kAhead * kLanes + j);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const Vec av = splat(a[i][k]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kTileVectors; ++j) acc[i][j] += av * bv[j];
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kTileVectors; ++j) store(g.c + (row + i) * g.ldc + lane + j * kWidth, acc[i][j]);
  }
}

template <std::size_t Rows>
inline void remainder(const GemmArgs& g, std::size_t row, std::size_t lane) {
  if constexpr (Rows > 0) {
    if (g.m - row == Rows) {
      tile<Rows>(g, row, lane);
    } else {
      remainder<Rows - 1>(g, row, lane);
    }
  }
}

}  // namespace

void gemm(const GemmArgs& g) {
  for (std::size_t lane = 0; lane < kLanes; lane += kTileVectors * kWidth) {
    std::size_t row = 0;
    for (; row + kTileRows <= g.m; row += kTileRows) tile<kTileRows>(g, row, lane);
    remainder<kTileRows - 1>(g, row, lane);
  }
}

}  // namespace unsam::UNSAM_ISA
