// Everything that batches of one capacity need to be decoded again and again: memory, pinned transfers, a stream and, from the second
// time on, the recorded graph. What differs between them is uploaded: how many prompts there are, how many tokens each has and
// where its arrays lie. What a batch leaves empty is computed or skipped, and read by nobody.
#pragma once

#include <span>
#include <vector>

#include "decoder/cuda/capacity.h"
#include "decoder/cuda/image.h"
#include "decoder/cuda/image_passes.h"
#include "decoder/cuda/workspace.h"

namespace unsam::cuda {

struct Engine {
  const Folded& folded;
  const Constants& constants;
  bool bf16, graphs;
  int multiprocessors;
  std::shared_ptr<MemoryPool> pool;
};

class Plan {
 public:
  Plan(const Engine& engine, const Capacity& capacity);

  const Capacity& capacity() const { return capacity_; }
  // Memory for the logits, where the plan itself needs some: where they come to the host, or are chosen from. Before a run.
  void reserve(bool to_host);
  // Results with their logits.
  void run(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results);
  // Results without logits: those of the masks that come back are written to `logits` on the device, prompt after prompt.
  void run_there(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results, float* logits);
  // Milliseconds on the device of one replay of what `run` did last, transfers excluded or included; for benchmarks.
  float time_replay(int replays, bool transfers);

 private:
  void lay_out(char* memory, char* host_in, char* host_out);
  void set_numbers(Call& call) const;
  void fill(const PreparedImage& image, std::span<const Prompt> prompts, float* logits);
  void fill_rows(std::span<const Prompt> prompts);
  void replay();
  void enqueue_transfers_in();
  void enqueue_kernels();
  void heads();
  void enqueue_transfers_out();
  bool one_of_two() const;  // whether a mask is chosen by the stability of another
  void fetch_logits(std::size_t prompts);
  struct Scores {
    float iou[kMaskTokens];
    float object;
  };
  Scores scores(std::size_t prompt) const;
  std::vector<std::int32_t> computed(std::size_t prompt, const Scores& scores) const;

  const Engine engine_;
  const Capacity capacity_;
  const std::vector<std::size_t> final_tokens_;
  PassShape pass_{};
  int tiles_ = 0, tiles_per_chunk_ = 0, masks_ = 0;
  std::size_t low_ = 0;  // logits of one mask
  std::size_t prompts_ = 0;  // of the last run
  WorkspaceSizes sizes_{};

  std::size_t device_bytes_ = 0, in_bytes_ = 0, out_bytes_ = 0, workspace_bytes_ = 0;
  DeviceArray<char> memory_;
  PinnedArray<char> host_in_, host_out_;
  DeviceArray<float> scratch_, logits_;  // logits_ only where they come to the host or are chosen from
  PinnedArray<float> host_logits_;

  // Within memory_; token rows [rows][kDim] unless said otherwise.
  char* in_ = nullptr;
  Call* call_ = nullptr;
  float* masks_in_ = nullptr;  // [capacity.masks][low]
  char *out_ = nullptr, *workspace_ = nullptr;
  float *position_, *queries_, *pre_, *q_, *k_, *v_, *mixed_, *hidden_, *attention_, *head_a_, *head_b_, *head_c_;
  // Within host_in_ and host_out_.
  Call* host_call_ = nullptr;
  TokenRow* host_rows_ = nullptr;
  float *host_masks_ = nullptr, *host_heads_ = nullptr;
  int *host_best_ = nullptr, *host_chosen_ = nullptr;

  Stream stream_;
  Graph graph_;
  int uses_ = 0;
};

}  // namespace unsam::cuda
