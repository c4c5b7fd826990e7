// Memory of one decode call, kept for the next one.
#pragma once

#include <vector>

#include "decoder/cpu/image_passes.h"

namespace unsam {

// Prompts decoded side by side: enough to fill the token-side products' rows and reuse an image chunk from cache, few
// enough that their attention maps stay in the last-level cache.
inline constexpr std::size_t kGroupPrompts = 8;
// ... and with more tokens than this together a prompt is decoded alone.
inline constexpr std::size_t kGroupTokens = 1024;
// Rows that go through a token MLP at a time, each with kMlp numbers between its layers.
inline constexpr std::size_t kHiddenRows = 512;

// Tokens read after the transformer, at most (select.h).
inline constexpr std::size_t kMaxSlots = 6;

struct Workspace {
  std::vector<PromptWork> prompts;      // of one group
  std::vector<PassScratch> scratch;     // per thread
  std::vector<Buffer<float>> mask_scratch;
  // Token rows of the group, [rows][kDim] unless said otherwise.
  Buffer<float> position, queries, with_position, q, k, v, mixed, update;
  Buffer<float> hidden;                 // [rows, kHiddenRows at most][kMlp]
  Buffer<float> query, key, value1, value2, attention;  // [rows][kInner]
  Buffer<float> head_a, head_b;         // [kMaxSlots][kGroupPrompts][kDim]

  void reserve_rows(std::size_t rows);
};

}  // namespace unsam
