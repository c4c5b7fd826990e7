// Everything one shape of batch needs to be decoded again and again: memory, pinned transfers, a stream and, from the second
// time on, the recorded graph.
#pragma once

#include <span>
#include <vector>

#include "decoder/cuda/image.h"
#include "decoder/cuda/image_passes.h"

namespace unsam::cuda {

// What the sequence of launches depends on.
struct BatchShape {
  int side;
  bool multimask;
  std::vector<int> prompts;  // tokens of each, negative with a mask prompt

  auto operator<=>(const BatchShape&) const = default;
  bool masked() const;
};

struct Engine {
  const Folded& folded;
  const Constants& constants;
  bool bf16, graphs;
  int multiprocessors;
  std::shared_ptr<MemoryPool> pool;
};

class Plan {
 public:
  Plan(const Engine& engine, BatchShape shape);

  const BatchShape& shape() const { return shape_; }
  void run(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results);
  // Milliseconds on the device of one replay of what `run` did last, transfers excluded or included; for benchmarks.
  float time_replay(int replays, bool transfers);

 private:
  void lay_out(char* memory, char* host_in, char* host_out);
  void set_numbers(Call& call) const;
  void fill(const PreparedImage& image, std::span<const Prompt> prompts);
  void enqueue_transfers_in();
  void enqueue_kernels();
  void enqueue_transfers_out();
  void read(std::span<DecodedMasks> results);
  void heads();

  const Engine engine_;
  const BatchShape shape_;
  const std::vector<std::size_t> final_tokens_;
  PassShape pass_{};
  int rows_ = 0, max_tokens_ = 0, tiles_ = 0, tiles_per_chunk_ = 0, masks_ = 0;
  std::size_t low_ = 0;  // logits of one mask

  std::size_t device_bytes_ = 0, in_bytes_ = 0, out_bytes_ = 0;
  DeviceArray<char> memory_;
  PinnedArray<char> host_in_, host_out_;
  DeviceArray<float> scratch_;

  // Within memory_; token rows [rows][kDim] unless said otherwise.
  char* in_ = nullptr;
  Call* call_ = nullptr;
  char* out_ = nullptr;
  float *position_, *queries_, *pre_, *q_, *k_, *v_, *mixed_, *hidden_, *attention_, *head_a_, *head_b_, *head_c_;
  // Within host_in_ and host_out_.
  Call* host_call_ = nullptr;
  TokenRow* host_rows_ = nullptr;
  std::vector<float*> host_masks_;
  float *host_logits_ = nullptr, *host_heads_ = nullptr;
  int* host_best_ = nullptr;

  Stream stream_;
  Graph graph_;
  int uses_ = 0;
};

}  // namespace unsam::cuda
