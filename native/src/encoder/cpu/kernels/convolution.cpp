// Convolutions as products: all lines pass by one chunk of a panel after the other, tap by tap.
#include "encoder/cpu/kernels/tile.h"

namespace unsam::UNSAM_ISA::encoder {
namespace {

// A line in register tiles of nearly the same number of rows: few rows at its end would wait for their own sums.
template <std::size_t Vectors>
inline void line_of_tiles(std::size_t rows, const float* a, std::size_t lda, const float* b, std::size_t depth, float* c,
                          std::size_t ldc, const Ends& ends) {
  const std::size_t tiles = (rows + kRows - 1) / kRows, least = rows / tiles, longer = rows % tiles;
  for (std::size_t i = 0; i < tiles; ++i) {
    const std::size_t here = i < longer ? least + 1 : least;
    rows_left<Floats, kRows, Vectors>(here, a, lda, b, depth, c, ldc, ends);
    a += here * lda;
    c += here * ldc;
  }
}

// A panel of `Vectors` vectors, all lines.
template <std::size_t Vectors>
void panel(const Convolution& v, const float* b, std::size_t column) {
  constexpr std::size_t width = Vectors * kWidth;
  const std::size_t chunks = (v.depth + kChunk - 1) / kChunk, step = (v.depth + chunks - 1) / chunks;
  for (std::size_t tap = 0; tap < v.taps; ++tap) {
    for (std::size_t at = 0; at < v.depth; at += step) {
      const std::size_t depth = v.depth - at < step ? v.depth - at : step;
      const bool first = tap == 0 && at == 0, last = tap + 1 == v.taps && at + depth == v.depth;
      const Ends ends{last && v.bias != nullptr ? v.bias + column : nullptr, v.add || !first, last && v.relu};
      const float* a = v.a + tap * v.a_tap + at;
      for (std::size_t line = 0; line < v.lines; ++line) {
        line_of_tiles<Vectors>(v.rows, a + line * v.a_line, v.lda, b, depth, v.c + line * v.c_line + column, v.ldc, ends);
      }
      b += depth * width;
    }
  }
}

// The last panel, of as many vectors as there are columns left.
template <std::size_t Vectors>
inline void last_panel(const Convolution& v, const float* b, std::size_t column) {
  if constexpr (Vectors > 0) {
    if (v.n - column > (Vectors - 1) * kWidth) {
      panel<Vectors>(v, b, column);
    } else {
      last_panel<Vectors - 1>(v, b, column);
    }
  }
}

}  // namespace

void convolve(const Convolution& v) {
  std::size_t column = 0;
  const float* b = v.b;
  for (; column + kPanel <= v.n; column += kPanel, b += v.taps * v.depth * kPanel) panel<kVectors>(v, b, column);
  if (column < v.n) last_panel<kVectors>(v, b, column);
}

void sigmoid(std::size_t n, float* x) {
  const Vec most = splat(88.0f), one = splat(1.0f);
  for (std::size_t i = 0; i < n; i += kWidth) {
    const std::size_t here = n - i < kWidth ? n - i : kWidth;
    Vec v{};
    __builtin_memcpy(&v, x + i, here * sizeof(float));
    v = one / (one + exp(min(most, -v)));
    __builtin_memcpy(x + i, &v, here * sizeof(float));
  }
}

}  // namespace unsam::UNSAM_ISA::encoder
