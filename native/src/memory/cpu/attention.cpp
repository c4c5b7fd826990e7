#include "memory/cpu/attention.h"

#include <algorithm>

namespace unsam::memory {
namespace {

constexpr float kEpsilon = 1e-5f;
// How much of the position encoding enters with the frame's features.
constexpr float kPositionShare = 0.1f;

}  // namespace

Attended::Attended(const encoder::Math<float>& math, std::size_t count, std::size_t dim, std::size_t width)
    : math_(math), count_(count), dim_(dim), width_(width), step_(math.panel * std::max<std::size_t>(1, kQueryRows / math.panel)),
      keys_(dim * encoder::round_up(count, math.panel)), values_(count * encoder::round_up(width, math.panel)) {}

void Attended::pack_keys(std::size_t first, std::size_t count, const float* const* rows) {
  math_.pack_columns(count, dim_, rows, keys_.data() + first * dim_);
}

void Attended::pack_values(std::size_t first, std::size_t count, const float* const* rows) {
  math_.pack_rows(count, width_, rows, count_, first, values_.data());
}

std::optional<std::vector<float>> Attention::run(std::span<const float> features, const MemoryFeed& feed) {
  const std::size_t d = plan_.width, m = plan_.memory_width, keys = (feed.memory.size() + feed.pointers.size()) / m;
  cells_ = positions_.side * positions_.side;
  ld_ = padded(d) + kSlack;
  x_.reserve(cells_ * ld_);
  if (!read_features(features)) return std::nullopt;
  Attended own(math_, cells_, d, d), memories(math_, keys, d, m);
  if (!pack_memories(feed, memories)) return std::nullopt;
  for (const LayerWeights& of : weights_.layers) {
    if (!pack_keys(of, feed, own, memories) || !layer(of, own, memories)) return std::nullopt;
  }
  std::vector<float> conditioned(d * cells_);
  const bool done = each(pieces(cells_, kQueryRows), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * kQueryRows, rows = std::min(kQueryRows, cells_ - first);
    normalise(s, rows, d, row(first), ld_, kEpsilon);
    for (std::size_t i = 0; i < rows; ++i) {
      float* at = s.operand.data() + i * ld_;
      for (std::size_t c = 0; c < d; ++c) at[c] = at[c] * weights_.gain[c] + weights_.offset[c];
    }
    kernels_.transpose(rows, d, s.operand.data(), ld_, conditioned.data() + first, cells_);
  });
  if (!done) return std::nullopt;
  return conditioned;
}

bool Attention::read_features(std::span<const float> features) {
  return each(pieces(cells_, kQueryRows), [&](std::size_t item, Scratch&) {
    const std::size_t first = item * kQueryRows, rows = std::min(kQueryRows, cells_ - first);
    from_planes(features, first, rows, plan_.width, row(first), ld_);
    for (std::size_t i = first; i < first + rows; ++i) positions_.add(positions_.features, plan_.width, i, kPositionShare, row(i));
  });
}

void Attention::token(const MemoryFeed& feed, std::size_t index, bool placed, float* out) const {
  const std::size_t m = plan_.memory_width, spatial = feed.memory.size() / m;
  const bool is_pointer = index >= spatial;
  const float* values = is_pointer ? feed.pointers.data() + (index - spatial) * m : feed.memory.data() + index * m;
  std::copy_n(values, m, out);
  if (!placed) return;
  const float* time = is_pointer ? feed.pointer_times.data() + (index - spatial) * m : feed.times.data() + index / cells_ * m;
  for (std::size_t c = 0; c < m; ++c) out[c] += time[c];
  if (!is_pointer) positions_.add(positions_.memory, m, index % cells_, 1.0f, out);
}

bool Attention::pack_memories(const MemoryFeed& feed, Attended& memories) {
  const std::size_t m = plan_.memory_width, ld = padded(m) + kSlack, step = memories.step();
  return each(memories.items(), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * step, count = std::min(step, memories.count() - first);
    s.operand.reserve(step * ld);
    std::fill_n(s.operand.data(), count * ld, 0.0f);
    s.rows.resize(std::max(s.rows.size(), count));
    for (std::size_t i = 0; i < count; ++i) {
      float* at = s.operand.data() + i * ld;
      token(feed, first + i, false, at);
      s.rows[i] = at;
    }
    memories.pack_values(first, count, s.rows.data());
  });
}

bool Attention::pack_keys(const LayerWeights& layer, const MemoryFeed& feed, Attended& own, Attended& memories) {
  const std::size_t d = plan_.width, m = plan_.memory_width, spatial = feed.memory.size() / m, ldm = padded(m) + kSlack;
  return each(own.items() + memories.items(), [&](std::size_t item, Scratch& s) {
    const bool is_own = item < own.items();
    Attended& to = is_own ? own : memories;
    const std::size_t step = to.step(), first = (is_own ? item : item - own.items()) * step, count = std::min(step, to.count() - first);
    s.head.reserve(step * ld_);
    s.rows.resize(std::max(s.rows.size(), count));
    if (is_own) {
      normalise(s, count, d, row(first), ld_, kEpsilon);
      for (std::size_t i = 0; i < count; ++i) s.rows[i] = s.operand.data() + i * ld_;
      own.pack_values(first, count, s.rows.data());
      apply(layer.self_key, count, s.operand.data(), ld_, s.head.data(), ld_);
    } else {
      s.operand.reserve(step * ldm);
      for (std::size_t i = 0; i < count; ++i) token(feed, first + i, true, s.operand.data() + i * ldm);
      apply(layer.cross_key, count, s.operand.data(), ldm, s.head.data(), ld_);
    }
    for (std::size_t i = 0; i < count; ++i) {
      float* key = s.head.data() + i * ld_;
      s.rows[i] = key;
      // Object pointers have no place, so they are not turned.
      if (is_own || first + i < spatial) positions_.rotate(d, (first + i) % cells_, key);
    }
    to.pack_keys(first, count, s.rows.data());
  });
}

bool Attention::layer(const LayerWeights& layer, const Attended& own, const Attended& memories) {
  return each(pieces(cells_, kQueryRows), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * kQueryRows, rows = std::min(kQueryRows, cells_ - first);
    attend_rows(s, first, rows, layer.self_query, own, layer.self_out);
    if (cancelled()) return;
    attend_rows(s, first, rows, layer.cross_query, memories, layer.cross_out);
    if (cancelled()) return;
    normalise(s, rows, plan_.width, row(first), ld_, kEpsilon);
    feed_forward(s, rows, plan_.width, layer.first, layer.second, Activation::relu, row(first), ld_);
  });
}

void Attention::attend_rows(Scratch& s, std::size_t first, std::size_t rows, const Linear<float>& query, const Attended& to,
                            const Linear<float>& out) {
  const std::size_t d = plan_.width;
  normalise(s, rows, d, row(first), ld_, kEpsilon);
  s.queries.reserve(kQueryRows * ld_);
  apply(query, rows, s.operand.data(), ld_, s.queries.data(), ld_);
  for (std::size_t i = 0; i < rows; ++i) positions_.rotate(d, first + i, s.queries.data() + i * ld_);
  const encoder::KeysAndValues<float> view = to.view();
  const std::size_t ld = padded(view.width) + kSlack;
  s.attended.reserve(kQueryRows * ld);
  encoder::attend(math_, s, rows, d, s.queries.data(), ld_, view, s.attended.data(), ld);
  apply(out, rows, s.attended.data(), ld, row(first), ld_, true);
}

}  // namespace unsam::memory
