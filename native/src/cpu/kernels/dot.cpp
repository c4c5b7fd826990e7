// out[m][n] = sum over blocks and lanes of a[m][lane] b[n][lane]: the reduction over image tokens, where the vector
// direction is the one summed over. A tile has as many results as a vector has lanes; its partial sums are folded all
// together by a tree of pairwise additions that ends in one vector of results.
#include <utility>

#include "cpu/kernels/table.h"
#if defined(__AMX_BF16__)
#include "cpu/kernels/dot_amx.h"
#endif

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

// How a vector of products is added to sums, by type.
struct FloatTerms {
  using Element = float;
  using Operand = Vec;
  static constexpr std::size_t kStep = kWidth;
  static inline Operand load(const float* p) { return UNSAM_ISA::load(p); }
  static inline Vec add(Vec sum, Operand a, Operand b) { return sum + a * b; }
};

template <class Terms, std::size_t Rows, std::size_t Cols>
inline void tile(const Dot<typename Terms::Element>& d, std::size_t row, std::size_t col) {
  Vec acc[kWidth] = {};
  for (std::size_t block = 0; block < d.blocks; ++block) {
    const auto* a = d.a + block * d.a_block + row * kLanes;
    const auto* b = d.b + block * d.b_block + col * kLanes;
    for (std::size_t lane = 0; lane < kLanes; lane += Terms::kStep) {
      typename Terms::Operand bv[Cols];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Cols; ++j) bv[j] = Terms::load(b + j * kLanes + lane);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < Rows; ++i) {
        const auto av = Terms::load(a + i * kLanes + lane);
#pragma GCC unroll 4
        for (std::size_t j = 0; j < Cols; ++j) acc[i * Cols + j] = Terms::add(acc[i * Cols + j], av, bv[j]);
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

template <class Terms, std::size_t Rows>
inline void rows_of(const Dot<typename Terms::Element>& d, std::size_t row) {
  std::size_t col = 0;
  for (; col + kCols <= d.n; col += kCols) tile<Terms, Rows, kCols>(d, row, col);
  for (; col < d.n; ++col) tile<Terms, Rows, 1>(d, row, col);
}

template <class Terms, std::size_t Rows>
inline void remainder(const Dot<typename Terms::Element>& d, std::size_t row) {
  if constexpr (Rows > 0) {
    if (d.m - row == Rows) {
      rows_of<Terms, Rows>(d, row);
    } else {
      remainder<Terms, Rows - 1>(d, row);
    }
  }
}

template <class Terms>
inline void all(const Dot<typename Terms::Element>& d) {
  std::size_t row = 0;
  for (; row + kRows <= d.m; row += kRows) rows_of<Terms, kRows>(d, row);
  remainder<Terms, kRows - 1>(d, row);
}

#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
struct Bfloat16Terms {
  using Element = std::uint16_t;
  using Operand = __m512bh;
  static constexpr std::size_t kStep = 2 * kWidth;
  static inline Operand load(const std::uint16_t* p) {
    Operand v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static inline Vec add(Vec sum, Operand a, Operand b) { return (Vec)_mm512_dpbf16_ps((__m512)sum, a, b); }
};
#endif

}  // namespace

void dot(const DotArgs& d) { all<FloatTerms>(d); }
#if defined(__AMX_BF16__)
void dot_bf16(const Dot<std::uint16_t>& d) { dot_amx(d); }
#elif defined(__AVX512BF16__)
void dot_bf16(const Dot<std::uint16_t>& d) { all<Bfloat16Terms>(d); }
#endif

}  // namespace unsam::UNSAM_ISA
