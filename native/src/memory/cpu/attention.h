// Memory attention (Ravi et al. 2024, section 4): one call.
#pragma once

#include <optional>
#include <vector>

#include "encoder/cpu/attention.h"
#include "memory/cpu/work.h"

namespace unsam::memory {

// What is attended to: keys and values of all layers have their place here, one layer after the other.
class Attended {
 public:
  // For `count` keys of `dim` channels and values of `width` channels.
  Attended(const encoder::Math<float>& math, std::size_t count, std::size_t dim, std::size_t width);

  // Keys are packed in items of so many, which begin where a panel does.
  std::size_t step() const { return step_; }
  std::size_t items() const { return pieces(count_, step_); }
  std::size_t count() const { return count_; }
  void pack_keys(std::size_t first, std::size_t count, const float* const* rows);
  void pack_values(std::size_t first, std::size_t count, const float* const* rows);
  encoder::KeysAndValues<float> view() const { return {keys_.data(), values_.data(), count_, count_, width_, 0.0f}; }

 private:
  const encoder::Math<float>& math_;
  const std::size_t count_, dim_, width_, step_;
  Buffer<float> keys_, values_;
};

class Attention : private Work {
 public:
  using Work::Work;
  // None: cancelled.
  std::optional<std::vector<float>> run(std::span<const float> features, const MemoryFeed& feed);

 private:
  bool read_features(std::span<const float> features);
  bool pack_memories(const MemoryFeed& feed, Attended& memories);
  // What a layer's queries meet: its own features, and memories as its keys.
  bool pack_keys(const LayerWeights& layer, const MemoryFeed& feed, Attended& own, Attended& memories);
  bool layer(const LayerWeights& layer, const Attended& own, const Attended& memories);
  // Rows of x: x += out(attention of query(norm(x))).
  void attend_rows(Scratch& scratch, std::size_t first, std::size_t rows, const Linear<float>& query, const Attended& to,
                   const Linear<float>& out);
  // The memory or pointer token `index`; `placed`: with its position and time.
  void token(const MemoryFeed& feed, std::size_t index, bool placed, float* out) const;
  float* row(std::size_t token) { return x_.data() + token * ld_; }

  std::size_t cells_ = 0, ld_ = 0;
  Buffer<float> x_;  // [n][ld_], the residual stream
};

}  // namespace unsam::memory
