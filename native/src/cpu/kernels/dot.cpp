// out[m][n] = sum over blocks and lanes of a[m][lane] b[n][lane]: the reduction over image tokens, where the vector
// direction is the one summed over. Each tile keeps vectors of partial sums over all blocks and folds them once.
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

template <std::size_t Rows, std::size_t Cols>
inline void tile(const DotArgs& d, std::size_t row, std::size_t col) {
  Vec acc[Rows][Cols];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t j = 0; j < Cols; ++j) acc[i][j] = Vec{};
  }
  for (std::size_t block = 0; block < d.blocks; ++block) {
    const float* a = d.a + block * d.a_block + row * kLanes;
    const float* b = d.b + block * d.b_block + col * kLanes;
    for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
      Vec bv[Cols];
#pragma GCC unroll 8
      for (std::size_t j = 0; j < Cols; ++j) bv[j] = load(b + j * kLanes + lane);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Rows; ++i) {
        const Vec av = load(a + i * kLanes + lane);
#pragma GCC unroll 8
        for (std::size_t j = 0; j < Cols; ++j) acc[i][j] += av * bv[j];
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t j = 0; j < Cols; ++j) d.out[(row + i) * d.ldo + col + j] = horizontal_sum(acc[i][j]);
  }
}

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr std::size_t kRows = 5, kCols = 4;
#else
constexpr std::size_t kRows = 3, kCols = 2;
#endif

template <std::size_t Rows>
inline void rows_of(const DotArgs& d, std::size_t row) {
  std::size_t col = 0;
  for (; col + kCols <= d.n; col += kCols) tile<Rows, kCols>(d, row, col);
  for (; col < d.n; ++col) tile<Rows, 1>(d, row, col);
}

}  // namespace

void dot(const DotArgs& d) {
  std::size_t row = 0;
  for (; row + kRows <= d.m; row += kRows) rows_of<kRows>(d, row);
  for (; row < d.m; ++row) rows_of<1>(d, row);
}

}  // namespace unsam::UNSAM_ISA
