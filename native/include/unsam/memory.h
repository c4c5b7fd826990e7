// The memory of SAM 2 in videos: memory attention, which reads what is remembered into the features of a frame, and the
// memory encoder, which makes a memory from a frame and its mask.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam {

// Everything about a memory that its tensors do not say.
struct MemoryPlan {
  std::size_t image_size;    // S, a multiple of 16; s = S / 16, n = s * s
  std::size_t width;         // d, channels of the features: a multiple of 4
  std::size_t memory_width;  // m, channels of a memory: a multiple of 4
  std::size_t layers;        // of memory attention
  std::size_t feed_forward;  // width of its hidden layers
  double rope_theta;
  std::size_t fuser_layers;  // blocks of the memory encoder
  std::size_t fuser_hidden;  // width of their hidden layers
  bool absent_embedding;     // `no_obj_embed_spatial` is added to the memory of an object that is not there
};

// What a frame reads. There is at least one memory frame or pointer token.
struct MemoryFeed {
  std::span<const float> memory;         // [frames, n, m]
  std::span<const float> times;          // [frames, m]: a row of `maskmem_tpos_enc` for each
  std::span<const float> pointers;       // [tokens, m]
  std::span<const float> pointer_times;  // [tokens, m]
};

struct MemoryOptions {
  std::size_t threads = 1;            // including the calling one; the result does not depend on it
  std::function<bool()> cancelled{};  // asked every few milliseconds, on any of the threads; true: stop. May be empty
};

class MemoryNetwork {
 public:
  // `tensors` under their official names (`memory_attention.…`, `memory_encoder.…`, `no_obj_embed_spatial`), whose memory is free
  // afterwards; others are ignored. Throws Error(bad_option) for a plan that makes no sense, Error(bad_checkpoint) for missing or
  // misshapen tensors.
  MemoryNetwork(const MemoryPlan& plan, const TensorMap& tensors);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Features [d, s, s], without `no_mem_embed`, to features [d, s, s] in the light of memories. None: cancelled. Throws
  // Error(bad_option). Safe to call from several threads at once, as is the next one.
  std::optional<std::vector<float>> attend(std::span<const float> features, const MemoryFeed& feed, const MemoryOptions& options) const;
  // Features, and a mask [S, S] that is scaled and shifted already, to a memory [n, m], not rounded.
  std::optional<std::vector<float>> remember(std::span<const float> features, std::span<const float> mask, bool absent,
                                             const MemoryOptions& options) const;

  std::size_t memory_bytes() const noexcept;  // of the packed weights

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace unsam
