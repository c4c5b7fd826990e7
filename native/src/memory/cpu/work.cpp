#include "memory/cpu/work.h"

#include <algorithm>

namespace unsam::memory {

void Work::apply(const Linear<float>& linear, std::size_t rows, const float* a, std::size_t lda, float* c, std::size_t ldc, bool add) const {
  math_.product({.rows = rows,
                 .n = linear.n,
                 .depth = linear.depth,
                 .a = a,
                 .lda = lda,
                 .b = linear.panels.data(),
                 .b_depth = linear.depth,
                 .bias = linear.bias.data(),
                 .c = c,
                 .ldc = ldc,
                 .add = add});
}

void Work::normalise(Scratch& s, std::size_t rows, std::size_t width, const float* x, std::size_t ldx, float eps) const {
  const std::size_t ld = padded(width) + kSlack;
  s.operand.reserve(rows * ld);
  s.rows.resize(std::max(s.rows.size(), rows));
  for (std::size_t row = 0; row < rows; ++row) s.rows[row] = x + row * ldx;
  math_.normalise(rows, width, s.rows.data(), eps, s.operand.data(), ld);
}

void Work::feed_forward(Scratch& s, std::size_t rows, std::size_t width, const Linear<float>& first, const Linear<float>& second,
                        Activation activation, float* sum, std::size_t ld) const {
  const std::size_t hidden = first.n, lda = padded(width) + kSlack;
  const std::size_t parts = pieces(hidden, encoder::kHiddenColumns), step = encoder::round_up(pieces(hidden, parts), math_.panel);
  const std::size_t ldh = padded(step) + kSlack;
  s.hidden.reserve(rows * ldh);
  for (std::size_t column = 0; column < hidden; column += step) {
    const std::size_t columns = std::min(step, hidden - column);
    if (activation == Activation::relu) {
      kernels_.convolve({.lines = 1,
                         .rows = rows,
                         .n = columns,
                         .taps = 1,
                         .depth = first.depth,
                         .a = s.operand.data(),
                         .lda = lda,
                         .a_line = 0,
                         .a_tap = 0,
                         .b = first.from(column),
                         .bias = first.bias.data() + column,
                         .c = s.hidden.data(),
                         .ldc = ldh,
                         .c_line = 0,
                         .relu = true});
    } else {
      math_.product({.rows = rows,
                     .n = columns,
                     .depth = first.depth,
                     .a = s.operand.data(),
                     .lda = lda,
                     .b = first.from(column),
                     .b_depth = first.depth,
                     .bias = first.bias.data() + column,
                     .c = s.hidden.data(),
                     .ldc = ldh,
                     .hidden = s.hidden.data(),
                     .ld_hidden = ldh});
    }
    math_.product({.rows = rows,
                   .n = second.n,
                   .depth = columns,
                   .a = s.hidden.data(),
                   .lda = ldh,
                   .b = second.panels.data(),
                   .b_depth = second.depth,
                   .b_first = column,
                   .bias = column + columns == hidden ? second.bias.data() : nullptr,
                   .c = sum,
                   .ldc = ld,
                   .add = true});
  }
}

void Work::from_planes(std::span<const float> planes, std::size_t first, std::size_t rows, std::size_t channels, float* out,
                       std::size_t ld) const {
  const std::size_t cells = positions_.side * positions_.side;
  kernels_.transpose(channels, rows, planes.data() + first, cells, out, ld);
}

}  // namespace unsam::memory
