// Rows of tokens: norms, conversions, and how they become the right-hand side of a product.
#include "cpu/kernels/gelu.h"
#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA::encoder {
namespace {

struct Statistics {
  float mean, inverse;  // of the standard deviation, with eps
};

inline Statistics statistics(const float* in, std::size_t width, float eps) {
  const std::size_t whole = width / kWidth * kWidth;
  const float share = 1.0f / static_cast<float>(width);
  Vec sum{};
  for (std::size_t c = 0; c < whole; c += kWidth) sum += load(in + c);
  float all = horizontal_sum(sum);
  for (std::size_t c = whole; c < width; ++c) all += in[c];
  const float mean = all * share;
  Vec square{};
  for (std::size_t c = 0; c < whole; c += kWidth) {
    const Vec d = load(in + c) - mean;
    square += d * d;
  }
  float total = horizontal_sum(square);
  for (std::size_t c = whole; c < width; ++c) total += (in[c] - mean) * (in[c] - mean);
  return {mean, 1.0f / __builtin_sqrtf(total * share + eps)};
}

template <class T>
inline void normalise_rows(std::size_t rows, std::size_t width, const float* const* x, float eps, T* out, std::size_t ld) {
  const std::size_t end = padded(width);
  for (std::size_t row = 0; row < rows; ++row) {
    const float* in = x[row];
    const Statistics row_statistics = statistics(in, width, eps);
    const float mean = row_statistics.mean, inverse = row_statistics.inverse;
    T* to = out + row * ld;
    for (std::size_t c = 0; c < end; c += kWidth) put(to + c, (load(in + c) - mean) * inverse);
    for (std::size_t c = width; c < end; ++c) to[c] = 0;
  }
}

template <class T>
inline void convert_rows(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale, T* out,
                         std::size_t ld) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float factor = scale != nullptr ? scale[row] : 1.0f;
    const float* in = x + row * ldx;
    T* to = out + row * ld;
    for (std::size_t c = 0; c < width; c += kWidth) put(to + c, load(in + c) * factor);
    for (std::size_t c = width; c % kWidth != 0; ++c) to[c] = 0;
  }
}

// Two rows as pairs of bfloat16, the first in the low halves.
inline IVec pairs_of(Vec first, Vec second) { return round_half(first) | (round_half(second) << 16); }

}  // namespace

void normalise(std::size_t rows, std::size_t width, const float* const* x, float eps, float* out, std::size_t ld) {
  normalise_rows(rows, width, x, eps, out, ld);
}
void normalise_half(std::size_t rows, std::size_t width, const float* const* x, float eps, std::uint16_t* out,
                    std::size_t ld) {
  normalise_rows(rows, width, x, eps, out, ld);
}
void normalise_gelu(std::size_t rows, std::size_t width, float* x, std::size_t ld, const float* gain, const float* offset, float eps) {
  for (std::size_t row = 0; row < rows; ++row, x += ld) {
    const Statistics of = statistics(x, width, eps);
    for (std::size_t c = 0; c < width; c += kWidth) {
      store(x + c, gelu((load(x + c) - of.mean) * of.inverse * load(gain + c) + load(offset + c)));
    }
  }
}
void convert(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale, float* out,
             std::size_t ld) {
  convert_rows(rows, width, x, ldx, scale, out, ld);
}
void convert_half(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale,
                  std::uint16_t* out, std::size_t ld) {
  convert_rows(rows, width, x, ldx, scale, out, ld);
}

void pack_columns(std::size_t keys, std::size_t width, const float* const* x, float* panels) {
  for (std::size_t first = 0; first < keys; first += kPanel) {
    const std::size_t here = keys - first < kPanel ? keys - first : kPanel;
    const std::size_t columns = (here + kWidth - 1) / kWidth * kWidth;
    for (std::size_t column = 0; column < columns; column += kWidth) {
      // kWidth rows at a time: their cache lines stay while the channels go by.
      const float* row[kWidth];
      const std::size_t there = here - column < kWidth ? here - column : kWidth;
      for (std::size_t i = 0; i < kWidth; ++i) row[i] = x[first + column + (i < there ? i : there - 1)];
      for (std::size_t c = 0; c < width; ++c) {
        float* out = panels + c * columns + column;
#pragma GCC unroll 16
        for (std::size_t i = 0; i < kWidth; ++i) out[i] = row[i][c];
      }
    }
    panels += width * columns;
  }
}

void pack_rows(std::size_t keys, std::size_t width, const float* const* x, std::size_t depth, std::size_t first,
               float* panels) {
  for (std::size_t column = 0; column < width; column += kPanel) {
    const std::size_t left = width - column, columns = left < kPanel ? (left + kWidth - 1) / kWidth * kWidth : kPanel;
    float* out = panels + column * depth + first * columns;
    for (std::size_t key = 0; key < keys; ++key, out += columns) {
      for (std::size_t c = 0; c < columns; c += kWidth) store(out + c, load(x[key] + column + c));
    }
  }
}

void pack_columns_half(std::size_t keys, std::size_t width, const float* const* x, std::uint16_t* panels) {
  const std::size_t pairs = (width + 1) / 2;
  for (std::size_t first = 0; first < keys; first += kHalfPanel) {
    const std::size_t here = keys - first < kHalfPanel ? keys - first : kHalfPanel;
    const std::size_t columns = (here + kHalfStep - 1) / kHalfStep * kHalfStep;
    for (std::size_t column = 0; column < columns; ++column) {
      const float* row = x[first + (column < here ? column : here - 1)];
      std::uint16_t* out = panels + 2 * column;
      for (std::size_t c = 0; c < width; c += kWidth) {
        std::uint16_t halves[kWidth];
        store_half(halves, load(row + c));
        for (std::size_t i = 0; i < kWidth / 2 && c / 2 + i < pairs; ++i) {
          std::uint16_t* pair = out + (c / 2 + i) * columns * 2;
          pair[0] = halves[2 * i];
          pair[1] = c + 2 * i + 1 < width ? halves[2 * i + 1] : std::uint16_t{0};
        }
      }
    }
    panels += 2 * pairs * columns;
  }
}

void pack_rows_half(std::size_t keys, std::size_t width, const float* const* x, std::size_t depth, std::size_t first,
                    std::uint16_t* panels) {
  for (std::size_t column = 0; column < width; column += kHalfPanel) {
    const std::size_t left = width - column;
    const std::size_t columns = left < kHalfPanel ? (left + kHalfStep - 1) / kHalfStep * kHalfStep : kHalfPanel;
    std::uint16_t* out = panels + column * depth + first * columns;
    for (std::size_t key = 0; key < keys; key += 2, out += 2 * columns) {
      for (std::size_t c = 0; c < columns; c += kWidth) {
        const Vec none{}, low = c < left ? load(x[key] + column + c) : none;
        const IVec both = pairs_of(low, c < left && key + 1 < keys ? load(x[key + 1] + column + c) : none);
        __builtin_memcpy(out + 2 * c, &both, sizeof both);
      }
    }
  }
}

void pool(std::size_t width, const float* const* four, float* out) {
  for (std::size_t c = 0; c < padded(width); c += kWidth) {
    store(out + c, max(max(load(four[0] + c), load(four[1] + c)), max(load(four[2] + c), load(four[3] + c))));
  }
}

void transpose(std::size_t tokens, std::size_t width, const float* x, std::size_t ldx, float* out, std::size_t ldo) {
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t i = 0; i < tokens; ++i) out[c * ldo + i] = x[i * ldx + c];
  }
}

}  // namespace unsam::UNSAM_ISA::encoder
