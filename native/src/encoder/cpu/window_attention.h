// The two ways a block attends; part of encoding.cpp. Each is one long function: what it computes stays in one scratch space that
// all its stages read and write, in one order. They begin and end alike; what lies between, and what they loop over, differs.
#pragma once

#include <cmath>

#include "encoder/cpu/encoding.h"

namespace unsam::encoder {

// Tokens of an item of small windows, about.
inline constexpr std::size_t kGroupTokens = 192;

template <class T>
bool Encoding<T>::small_windows(const BlockShape& shape, const std::vector<Window>& windows, TokenMap& out) {
  std::vector<std::size_t> starts{0};  // of the items, in windows
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (i > starts.back() && tokens + windows[i].tokens() > kGroupTokens) {
      starts.push_back(i);
      tokens = 0;
    }
    tokens += windows[i].tokens();
  }
  starts.push_back(windows.size());
  return each(starts.size() - 1, [&](std::size_t item, Scratch<T>& scratch) {
    window_group(shape, std::span(windows).subspan(starts[item], starts[item + 1] - starts[item]), out, scratch);
  });
}

template <class T>
void Encoding<T>::project_head(const BlockShape& shape, std::size_t head, std::size_t rows, Scratch<T>& s, std::size_t lda,
                               std::size_t ldh) const {
  const Linear<T>& weights = weights_.blocks[shape.index].heads[head];
  math_.product({.rows = rows,
                 .n = 3 * shape.head_dim,
                 .depth = weights.depth,
                 .a = s.operand.data(),
                 .lda = lda,
                 .b = weights.panels.data(),
                 .b_depth = weights.depth,
                 .bias = weights.bias.data(),
                 .c = s.head.data(),
                 .ldc = ldh});
}

template <class T>
const T* Encoding<T>::rounded_queries([[maybe_unused]] std::size_t rows, [[maybe_unused]] std::size_t dim, const float* q,
                                      [[maybe_unused]] std::size_t& ld, [[maybe_unused]] std::size_t ld_rounded,
                                      [[maybe_unused]] Scratch<T>& s) const {
  if constexpr (Scratch<T>::kRounds) {
    math_.convert(rows, dim, q, ld, nullptr, s.queries.data(), ld_rounded);
    ld = ld_rounded;
    return s.queries.data();
  } else {
    return q;
  }
}

template <class T>
void Encoding<T>::window_group(const BlockShape& shape, std::span<const Window> windows, TokenMap& out, Scratch<T>& s) {
  const BlockWeights<T>& weights = weights_.blocks[shape.index];
  const std::size_t dim = shape.head_dim, lda = padded(shape.width_in) + kSlack, ldh = padded(3 * dim) + kSlack;
  const std::size_t depth = round_up(dim, math_.depth_step), ldq = padded(dim) + kSlack;
  const std::size_t ld_attended = attended_stride<T>(shape), ld_padding = padded(3 * dim);

  s.tokens.clear();
  std::size_t most_keys = 0;
  for (const Window& window : windows) {
    append_tokens(window, shape.side, s.tokens);
    most_keys = std::max(most_keys, window.keys());
  }
  const std::size_t rows = s.tokens.size();
  s.rows.resize(std::max({s.rows.size(), rows, most_keys}));
  for (std::size_t i = 0; i < rows; ++i) s.rows[i] = map_.row(s.tokens[i]);
  s.operand.reserve(rows * lda);
  math_.normalise(rows, shape.width_in, s.rows.data(), eps_, s.operand.data(), lda);

  const std::size_t capacity = round_up(most_keys, math_.depth_step);
  s.head.reserve(rows * ldh + kSlack);
  s.pooled.reserve(rows * ldq);
  s.keys.reserve(depth * round_up(most_keys, math_.panel));
  s.values.reserve(capacity * round_up(dim, math_.panel));
  s.attended.reserve(rows * ld_attended);
  if constexpr (Scratch<T>::kRounds) s.queries.reserve(rows * ldq);

  for (std::size_t head = 0; head < shape.heads; ++head) {
    project_head(shape, head, rows, s, lda, ldh);
    const float* padding = weights.padding.data() + head * ld_padding;
    std::size_t from = 0, to = 0;  // the window's first row, among the incoming and the outgoing ones
    for (const Window& window : windows) {
      const std::size_t tokens = window.tokens(), keys = window.keys();
      const float* first = s.head.data() + from * ldh;
      const auto part = [&](std::size_t which) {
        for (std::size_t i = 0; i < tokens; ++i) s.rows[i] = first + i * ldh + which * dim;
        if (keys > tokens) s.rows[tokens] = padding + which * dim;
        return s.rows.data();
      };
      math_.pack_columns(keys, dim, part(1), s.keys.data());
      math_.pack_rows(keys, dim, part(2), capacity, 0, s.values.data());
      std::size_t queries = tokens, ld = ldh;
      const float* q = first;
      if (shape.pools) {
        const Window cells = pooled_window(window, shape.side);
        queries = cells.tokens();
        pool_queries(cells, 0, queries, dim, [&](std::size_t y, std::size_t x) {
          return y < window.height && x < window.width ? first + (y * window.width + x) * ldh : padding;
        }, s.pooled.data(), ldq);
        q = s.pooled.data();
        ld = ldq;
      }
      const T* operand = rounded_queries(queries, dim, q, ld, ldq, s);
      const float last_bias = keys > tokens ? std::log2(static_cast<float>(window.padding())) : 0.0f;
      attend<T>(math_, s, queries, dim, operand, ld, {s.keys.data(), s.values.data(), capacity, keys, dim, last_bias},
                s.attended.data() + to * ld_attended + head * dim, ld_attended);
      from += tokens;
      to += queries;
    }
  }
  if (shape.pools) {
    s.tokens.clear();
    for (const Window& window : windows) append_tokens(pooled_window(window, shape.side), shape.side_out, s.tokens);
  }
  const std::size_t ld = padded(shape.width) + kSlack;
  s.sum.reserve(s.tokens.size() * ld);
  gather(out, s.tokens, s.sum.data(), ld);
  finish_block(math_, s, shape, weights, s.tokens.size(), eps_, s.sum.data(), ld);
  scatter(s.sum.data(), ld, s.tokens, out);
}

template <class T>
bool Encoding<T>::large_window(const BlockShape& shape, const Window& window, TokenMap& out) {
  const BlockWeights<T>& weights = weights_.blocks[shape.index];
  const std::size_t dim = shape.head_dim, heads = shape.heads, depth = round_up(dim, math_.depth_step);
  const std::size_t lda = padded(shape.width_in) + kSlack, ldh = padded(3 * dim) + kSlack, ldq = padded(shape.width) + kSlack;
  const std::size_t tokens = window.tokens(), keys = window.keys();
  // Items begin where a panel of keys does.
  const std::size_t step = math_.panel * std::max<std::size_t>(1, kQueryRows / math_.panel);
  const std::size_t capacity = round_up(keys, step), key_bytes = depth * capacity, value_bytes = capacity * round_up(dim, math_.panel);
  queries_.reserve(tokens * ldq);
  keys_.reserve(heads * key_bytes);
  values_.reserve(heads * value_bytes);
  const auto token = [&](std::size_t i) {
    return (window.y + i / window.width) * shape.side + window.x + i % window.width;
  };
  const bool projected = each((keys + step - 1) / step, [&](std::size_t item, Scratch<T>& s) {
    const std::size_t first = item * step, rows = std::min(step, tokens - std::min(tokens, first));
    const std::size_t here = std::min(step, keys - first);  // with the padding's key
    s.rows.resize(std::max(s.rows.size(), step));
    s.operand.reserve(step * lda);
    s.head.reserve(step * ldh + kSlack);
    for (std::size_t i = 0; i < rows; ++i) s.rows[i] = map_.row(token(first + i));
    math_.normalise(rows, shape.width_in, s.rows.data(), eps_, s.operand.data(), lda);
    for (std::size_t head = 0; head < heads; ++head) {
      project_head(shape, head, rows, s, lda, ldh);
      const auto part = [&](std::size_t which) {
        for (std::size_t i = 0; i < rows; ++i) s.rows[i] = s.head.data() + i * ldh + which * dim;
        if (here > rows) s.rows[rows] = weights.padding.data() + head * padded(3 * dim) + which * dim;
        return s.rows.data();
      };
      for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(s.head.data() + i * ldh, dim, queries_.data() + (first + i) * ldq + head * dim);
      }
      math_.pack_columns(here, dim, part(1), keys_.data() + head * key_bytes + first * depth);
      math_.pack_rows(here, dim, part(2), capacity, first, values_.data() + head * value_bytes);
    }
  });
  if (!projected) return false;

  const Window cells = shape.pools ? pooled_window(window, shape.side) : window;
  const std::size_t asked = cells.tokens();
  const float last_bias = keys > tokens ? std::log2(static_cast<float>(window.padding())) : 0.0f;
  return each((asked + kQueryRows - 1) / kQueryRows, [&](std::size_t item, Scratch<T>& s) {
    const std::size_t first = item * kQueryRows, rows = std::min(kQueryRows, asked - first);
    const std::size_t ld_attended = attended_stride<T>(shape), ldp = padded(dim) + kSlack;
    s.attended.reserve(kQueryRows * ld_attended);
    if (shape.pools) s.pooled.reserve(kQueryRows * ldp);
    if constexpr (Scratch<T>::kRounds) s.queries.reserve(kQueryRows * ldp);
    for (std::size_t head = 0; head < heads; ++head) {
      const float* q = queries_.data() + first * ldq + head * dim;
      std::size_t ld = ldq;
      if (shape.pools) {
        const float* padding = weights.padding.data() + head * padded(3 * dim);
        pool_queries(cells, first, rows, dim, [&](std::size_t y, std::size_t x) {
          return y < window.height && x < window.width ? queries_.data() + (y * window.width + x) * ldq + head * dim : padding;
        }, s.pooled.data(), ldp);
        q = s.pooled.data();
        ld = ldp;
      }
      const T* operand = rounded_queries(rows, dim, q, ld, ldp, s);
      attend<T>(math_, s, rows, dim, operand, ld,
                {keys_.data() + head * key_bytes, values_.data() + head * value_bytes, capacity, keys, dim, last_bias},
                s.attended.data() + head * dim, ld_attended);
    }
    s.tokens.clear();
    for (std::size_t i = first; i < first + rows; ++i) {
      s.tokens.push_back((cells.y + i / cells.width) * shape.side_out + cells.x + i % cells.width);
    }
    const std::size_t ld = padded(shape.width) + kSlack;
    s.sum.reserve(kQueryRows * ld);
    gather(out, s.tokens, s.sum.data(), ld);
    finish_block(math_, s, shape, weights, rows, eps_, s.sum.data(), ld);
    scatter(s.sum.data(), ld, s.tokens, out);
  });
}

}  // namespace unsam::encoder
