// Register tiles of a product: A as broadcast scalars of its rows, B a vector at a time from panels that stay in the
// first-level cache while all rows pass by.
#pragma once

#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA::encoder {

// Rows of a panel multiplied before the next rows of A: what stays in the first-level cache, 16 KB.
constexpr std::size_t kChunk = 4096 / kPanel < 64 ? 64 : 4096 / kPanel;

// One step of the sum over the depth.
struct Floats {
  using Element = float;
  static constexpr std::size_t kStep = 1;  // of the depth
  template <std::size_t Rows, std::size_t Vectors>
  static inline void step(Vec (&acc)[Rows][Vectors], const float* const (&a)[2], std::size_t lda, std::size_t k, const float* b) {
    Vec bv[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) bv[j] = load(b + j * kWidth);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const Vec av = splat((i < 3 ? a[0][i * lda + k] : a[1][(i - 3) * lda + k]));
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) acc[i][j] += av * bv[j];
    }
  }
};

// What becomes of the sums: where they start, where they end.
struct Ends {
  const float* bias;  // of this panel, or null
  bool add;           // start from C
  bool relu;          // the last step: what is below zero becomes zero
};

template <class Terms, std::size_t Rows, std::size_t Vectors>
static inline void tile(const typename Terms::Element* a, std::size_t lda, const typename Terms::Element* b, std::size_t depth,
                 float* c, std::size_t ldc, const Ends& ends) {
  Vec acc[Rows][Vectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) acc[i][j] = Vec{};
  }
  const typename Terms::Element* const rows[2] = {a, a + 3 * lda};  // base plus at most twice lda: addresses the processor adds up
  for (std::size_t k = 0; k < depth; k += Terms::kStep, b += Terms::kStep * Vectors * kWidth) {
    Terms::template step<Rows, Vectors>(acc, rows, lda, k, b);
  }
  if (ends.bias != nullptr) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      const Vec bias = load(ends.bias + j * kWidth);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Rows; ++i) acc[i][j] += bias;
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      float* at = c + i * ldc + j * kWidth;
      const Vec sum = ends.add ? load(at) + acc[i][j] : acc[i][j];
      store(at, ends.relu ? max(sum, Vec{}) : sum);
    }
  }
}

template <class Terms, std::size_t Rows, std::size_t Vectors>
static inline void rows_left(std::size_t rows, const typename Terms::Element* a, std::size_t lda, const typename Terms::Element* b,
                      std::size_t depth, float* c, std::size_t ldc, const Ends& ends) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      tile<Terms, Rows, Vectors>(a, lda, b, depth, c, ldc, ends);
    } else {
      rows_left<Terms, Rows - 1, Vectors>(rows, a, lda, b, depth, c, ldc, ends);
    }
  }
}

}  // namespace unsam::UNSAM_ISA::encoder
