// C[rows][n] = A[rows][depth] B: all rows pass by one chunk of a panel after the other.
#include "cpu/kernels/gelu.h"
#include "encoder/cpu/kernels/tile.h"
#if defined(__AVX512BF16__)
#include "cpu/kernels/table.h"
#endif

namespace unsam::UNSAM_ISA::encoder {
namespace {

// bfloat16 in pairs of rows [depth / 2][panel][2], without an instruction for it: exact products, float32 sums.
struct Halves {
  using Element = std::uint16_t;
  [[maybe_unused]] static constexpr std::size_t kStep = 2;  // unused where the instruction exists
  static inline float wide(std::uint16_t x) {
    const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
    float f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
  }
  template <std::size_t Rows, std::size_t Vectors>
  static inline void step(Vec (&acc)[Rows][Vectors], const std::uint16_t* const (&a)[2], std::size_t lda, std::size_t k,
                          const std::uint16_t* b) {
    Vec even[Vectors], odd[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      IVec both, low, high;
      __builtin_memcpy(&both, b + j * kWidth * 2, sizeof both);
      low = both << 16;
      high = both & static_cast<std::int32_t>(0xffff0000);
      __builtin_memcpy(&even[j], &low, sizeof low);
      __builtin_memcpy(&odd[j], &high, sizeof high);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const std::uint16_t* row = i < 3 ? a[0] + i * lda + k : a[1] + (i - 3) * lda + k;
      const Vec first = splat(wide(row[0])), second = splat(wide(row[1]));
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) {
        acc[i][j] += first * even[j];
        acc[i][j] += second * odd[j];
      }
    }
  }
};

template <class T>
inline void apply_gelu(const float* c, std::size_t ldc, T* hidden, std::size_t ld, std::size_t rows, std::size_t vectors) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < vectors; ++j) put(hidden + i * ld + j * kWidth, gelu(load(c + i * ldc + j * kWidth)));
  }
}

// A panel of `Vectors` vectors, all rows.
template <class Terms, std::size_t Vectors>
void panel(const Product<typename Terms::Element>& p, const typename Terms::Element* b, std::size_t column) {
  constexpr std::size_t width = Vectors * kWidth;
  const std::size_t chunks = (p.depth + kChunk - 1) / kChunk;
  const std::size_t step = chunks == 0 ? 0 : ((p.depth + chunks - 1) / chunks + Terms::kStep - 1) / Terms::kStep * Terms::kStep;
  b += p.b_first * width;
  float* c = p.c + column;
  for (std::size_t at = 0; at < p.depth; at += step) {
    const std::size_t depth = p.depth - at < step ? p.depth - at : step;
    const bool last = at + depth == p.depth;
    const Ends ends{last && p.bias != nullptr ? p.bias + column : nullptr, p.add || at > 0, false};
    std::size_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) {
      float* out = c + row * p.ldc;
      tile<Terms, kRows, Vectors>(p.a + row * p.lda + at, p.lda, b + at * width, depth, out, p.ldc, ends);
      if (last && p.hidden != nullptr) apply_gelu(out, p.ldc, p.hidden + row * p.ld_hidden + column, p.ld_hidden, kRows, Vectors);
    }
    if (row < p.rows) {
      float* out = c + row * p.ldc;
      rows_left<Terms, kRows - 1, Vectors>(p.rows - row, p.a + row * p.lda + at, p.lda, b + at * width, depth, out, p.ldc, ends);
      if (last && p.hidden != nullptr) {
        apply_gelu(out, p.ldc, p.hidden + row * p.ld_hidden + column, p.ld_hidden, p.rows - row, Vectors);
      }
    }
  }
}

// The last panel, of as many vectors as there are columns left.
template <class Terms, std::size_t Vectors>
inline void last_panel(const Product<typename Terms::Element>& p, const typename Terms::Element* b, std::size_t column) {
  if constexpr (Vectors > 0) {
    if (p.n - column > (Vectors - 1) * kWidth) {
      panel<Terms, Vectors>(p, b, column);
    } else {
      last_panel<Terms, Vectors - 1>(p, b, column);
    }
  }
}

template <class Terms>
inline void all_panels(const Product<typename Terms::Element>& p) {
  std::size_t column = 0;
  const typename Terms::Element* b = p.b;
  for (; column + kPanel <= p.n; column += kPanel, b += p.b_depth * kPanel) panel<Terms, kVectors>(p, b, column);
  last_panel<Terms, kVectors>(p, b, column);
}

}  // namespace

void product(const Product<float>& p) { all_panels<Floats>(p); }

#if !defined(__AVX512BF16__)
void product_half(const Product<std::uint16_t>& p) { all_panels<Halves>(p); }
#else
// By the decoder's product, panel by panel.
void product_half(const Product<std::uint16_t>& p) {
  constexpr std::size_t kBlock = 48;  // rows, a multiple of a tile's
  alignas(64) float sums[kBlock * kLanes];
  for (std::size_t column = 0; column < p.n; column += kLanes) {
    const std::size_t width = padded(p.n - column < kLanes ? p.n - column : kLanes);
    const std::uint16_t* b = p.b + column * p.b_depth + p.b_first * kLanes;
    for (std::size_t row = 0; row < p.rows; row += kBlock) {
      const std::size_t rows = p.rows - row < kBlock ? p.rows - row : kBlock;
      Ahead nothing{};
      gemm_bf16({.m = rows,
                 .k = p.depth,
                 .a = p.a + row * p.lda,
                 .lda = p.lda,
                 .b = b,
                 .c = sums,
                 .ldc = kLanes,
                 .ahead = &nothing});
      for (std::size_t i = 0; i < rows; ++i) {
        float* c = p.c + (row + i) * p.ldc + column;
        for (std::size_t j = 0; j < width; j += kWidth) {
          Vec x = load(sums + i * kLanes + j);
          if (p.bias != nullptr) x += load(p.bias + column + j);
          if (p.add) x += load(c + j);
          if (p.hidden != nullptr) {
            store_half(p.hidden + (row + i) * p.ld_hidden + column + j, gelu(x));
          } else {
            store(c + j, x);
          }
        }
      }
    }
  }
}
#endif

}  // namespace unsam::UNSAM_ISA::encoder
