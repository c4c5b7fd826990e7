#include "encoder/cpu/attention.h"

namespace unsam::encoder {

template <class T>
void attend(const Math<T>& math, Scratch<T>& scratch, std::size_t rows, std::size_t dim, const T* queries, std::size_t ldq,
            const KeysAndValues<T>& kv, T* out, std::size_t ldo) {
  const std::size_t depth = round_up(dim, math.depth_step), ldm = padded(kv.width) + kSlack;
  const std::size_t step = kv.count <= kMostKeys ? kv.count : kKeyBlock, lds = padded(step) + kSlack;
  scratch.scores.reserve(kQueryRows * lds);
  scratch.mixed.reserve(kQueryRows * ldm);
  T* softened;
  if constexpr (Scratch<T>::kRounds) {
    scratch.weights.reserve(kQueryRows * lds);
    softened = scratch.weights.data();
  } else {
    softened = scratch.scores.data();
  }
  for (std::size_t first = 0; first < rows; first += kQueryRows) {
    const std::size_t here = std::min(kQueryRows, rows - first);
    for (std::size_t key = 0; key < kv.count; key += step) {
      const std::size_t keys = std::min(step, kv.count - key);
      math.product({.rows = here,
                    .n = keys,
                    .depth = depth,
                    .a = queries + first * ldq,
                    .lda = ldq,
                    .b = kv.keys + key * depth,
                    .b_depth = depth,
                    .c = scratch.scores.data(),
                    .ldc = lds});
      math.softmax({.rows = here,
                    .keys = keys,
                    .scores = scratch.scores.data(),
                    .ld = lds,
                    .last_bias = key + keys == kv.count ? kv.last_bias : 0.0f,
                    .weights = softened,
                    .ld_weights = lds,
                    .top = scratch.top,
                    .sum = scratch.total,
                    .mixed = scratch.mixed.data(),
                    .ld_mixed = ldm,
                    .width = kv.width,
                    .first = key == 0});
      math.product({.rows = here,
                    .n = kv.width,
                    .depth = round_up(keys, math.depth_step),
                    .a = softened,
                    .lda = lds,
                    .b = kv.values,
                    .b_depth = kv.capacity,
                    .b_first = key,
                    .c = scratch.mixed.data(),
                    .ldc = ldm,
                    .add = key > 0});
    }
    for (std::size_t row = 0; row < here; ++row) scratch.total[row] = 1.0f / scratch.total[row];
    math.convert(here, kv.width, scratch.mixed.data(), ldm, scratch.total, out + first * ldo, ldo);
  }
}

template <class T>
void finish_block(const Math<T>& math, Scratch<T>& scratch, const BlockShape& shape, const BlockWeights<T>& weights,
                  std::size_t rows, float eps, float* sum, std::size_t ld) {
  const std::size_t width = shape.width, lda = padded(width) + kSlack;
  math.product({.rows = rows,
                .n = width,
                .depth = weights.projection.depth,
                .a = scratch.attended.data(),
                .lda = attended_stride<T>(shape),
                .b = weights.projection.panels.data(),
                .b_depth = weights.projection.depth,
                .bias = weights.projection.bias.data(),
                .c = sum,
                .ldc = ld,
                .add = true});
  // Rows and hidden columns in equal parts.
  const std::size_t row_parts = (rows + kMlpRows - 1) / kMlpRows, row_step = round_up((rows + row_parts - 1) / row_parts, 24);
  const std::size_t parts = (shape.hidden + kHiddenColumns - 1) / kHiddenColumns;
  const std::size_t step = round_up((shape.hidden + parts - 1) / parts, math.panel), ldh = padded(step) + kSlack;
  scratch.operand.reserve(std::max(kMlpRows, row_step) * lda);
  scratch.hidden.reserve(std::max(kMlpRows, row_step) * ldh);
  float* sums;
  if constexpr (Scratch<T>::kRounds) {
    scratch.hidden_sums.reserve(std::max(kMlpRows, row_step) * ldh);
    sums = scratch.hidden_sums.data();
  } else {
    sums = scratch.hidden.data();
  }
  for (std::size_t first = 0; first < rows; first += row_step) {
    const std::size_t here = std::min(row_step, rows - first);
    float* x = sum + first * ld;
    scratch.rows.resize(std::max(scratch.rows.size(), here));
    for (std::size_t row = 0; row < here; ++row) scratch.rows[row] = x + row * ld;
    math.normalise(here, width, scratch.rows.data(), eps, scratch.operand.data(), lda);
    for (std::size_t column = 0; column < shape.hidden; column += step) {
      const std::size_t columns = std::min(step, shape.hidden - column);
      math.product({.rows = here,
                    .n = columns,
                    .depth = weights.first.depth,
                    .a = scratch.operand.data(),
                    .lda = lda,
                    .b = weights.first.from(column),
                    .b_depth = weights.first.depth,
                    .bias = weights.first.bias.data() + column,
                    .c = sums,
                    .ldc = ldh,
                    .hidden = scratch.hidden.data(),
                    .ld_hidden = ldh});
      math.product({.rows = here,
                    .n = width,
                    .depth = round_up(columns, math.depth_step),
                    .a = scratch.hidden.data(),
                    .lda = ldh,
                    .b = weights.second.panels.data(),
                    .b_depth = weights.second.depth,
                    .b_first = column,
                    .bias = column + columns == shape.hidden ? weights.second.bias.data() : nullptr,
                    .c = x,
                    .ldc = ld,
                    .add = true});
    }
  }
}

template void attend<float>(const Math<float>&, Scratch<float>&, std::size_t, std::size_t, const float*, std::size_t,
                            const KeysAndValues<float>&, float*, std::size_t);
template void attend<std::uint16_t>(const Math<std::uint16_t>&, Scratch<std::uint16_t>&, std::size_t, std::size_t,
                                    const std::uint16_t*, std::size_t, const KeysAndValues<std::uint16_t>&, std::uint16_t*,
                                    std::size_t);
template void finish_block<float>(const Math<float>&, Scratch<float>&, const BlockShape&, const BlockWeights<float>&, std::size_t,
                                  float, float*, std::size_t);
template void finish_block<std::uint16_t>(const Math<std::uint16_t>&, Scratch<std::uint16_t>&, const BlockShape&,
                                          const BlockWeights<std::uint16_t>&, std::size_t, float, float*, std::size_t);

}  // namespace unsam::encoder
