// out[m][n] = sum over blocks and lanes of a[m][lane] b[n][lane]: the reduction over image tokens, where the vector
// direction is the one summed over. A tile has as many results as a vector has lanes; its partial sums are folded all
// together by a tree of pairwise additions that ends in one vector of results.
#include <utility>

#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

constexpr std::size_t kCols = kWidth == 16 ? 4 : 2;
constexpr std::size_t kRows = kWidth / kCols;

// Sums of neighbouring lanes: those of a in the lower half, those of b in the upper one.
template <std::size_t... I>
inline Vec pair_sums(Vec a, Vec b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, 2 * I...) + __builtin_shufflevector(a, b, 2 * I + 1 ...);
}

template <std::size_t Count>
inline Vec fold(Vec (&v)[kWidth]) {
  if constexpr (Count == 1) {
    return v[0];
  } else {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Count / 2; ++i) {
      v[i] = pair_sums(v[2 * i], v[2 * i + 1], std::make_index_sequence<kWidth>());
    }
    return fold<Count / 2>(v);
  }
}

template <std::size_t Rows, std::size_t Cols>
inline void tile(const DotArgs& d, std::size_t row, std::size_t col) {
  Vec acc[kWidth] = {};
  for (std::size_t block = 0; block < d.blocks; ++block) {
    const float* a = d.a + block * d.a_block + row * kLanes;
    const float* b = d.b + block * d.b_block + col * kLanes;
    for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
      Vec bv[Cols];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Cols; ++j) bv[j] = load(b + j * kLanes + lane);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < Rows; ++i) {
        const Vec av = load(a + i * kLanes + lane);
#pragma GCC unroll 4
        for (std::size_t j = 0; j < Cols; ++j) acc[i * Cols + j] += av * bv[j];
      }
    }
  }
  float sums[kWidth];
  store(sums, fold<kWidth>(acc));
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Cols; ++j) d.out[(row + i) * d.ldo + col + j] = sums[i * Cols + j];
  }
}

template <std::size_t Rows>
inline void rows_of(const DotArgs& d, std::size_t row) {
  std::size_t col = 0;
  for (; col + kCols <= d.n; col += kCols) tile<Rows, kCols>(d, row, col);
  for (; col < d.n; ++col) tile<Rows, 1>(d, row, col);
}

template <std::size_t Rows>
inline void remainder(const DotArgs& d, std::size_t row) {
  if constexpr (Rows > 0) {
    if (d.m - row == Rows) {
      rows_of<Rows>(d, row);
    } else {
      remainder<Rows - 1>(d, row);
    }
  }
}

}  // namespace

void dot(const DotArgs& d) {
  std::size_t row = 0;
  for (; row + kRows <= d.m; row += kRows) rows_of<kRows>(d, row);
  remainder<kRows - 1>(d, row);
}

}  // namespace unsam::UNSAM_ISA
