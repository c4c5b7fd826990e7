// Memory of one thread of an encode.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "decoder/cpu/buffer.h"
#include "encoder/cpu/kernels.h"

namespace unsam::encoder {

// Query rows that attend together, and rows an MLP takes through its hidden layer together: what they need stays in the
// second-level cache. Multiples of every kernel's row tile.
inline constexpr std::size_t kQueryRows = 96, kMlpRows = 72;
// Columns of the hidden layer at a time, about.
inline constexpr std::size_t kHiddenColumns = 512;
// Keys taken together by an online softmax; fewer than kMostKeys are taken at once.
inline constexpr std::size_t kKeyBlock = 192, kMostKeys = 288;
// A row of scratch is that much longer than it has to be: kernels may write whole vectors, and rows of a power of two
// would share the sets of a cache.
inline constexpr std::size_t kSlack = 16;

template <class T>
struct Scratch {
  std::vector<const float*> rows;   // addresses of rows for a kernel
  std::vector<std::size_t> tokens;  // where on the map a group's rows come from, or go to
  Buffer<T> operand;                // [rows][channels] normalised, or images of patches
  Buffer<float> head;               // [rows][3 head_dim] query, key, value
  Buffer<float> pooled;             // [rows][head_dim] pooled queries
  Buffer<T> queries;                // the same, or unpooled ones, as operands
  Buffer<T> keys, values;           // panels of one window
  Buffer<float> scores;
  Buffer<T> weights;                // of the softmax; float32: in `scores`
  Buffer<float> mixed;              // [rows][head_dim]
  Buffer<T> attended;               // [rows][channels]
  Buffer<float> sum;                // [rows][channels] the residual stream
  Buffer<T> hidden;
  Buffer<float> hidden_sums;        // bfloat16: before the GELU
  float top[kQueryRows], total[kQueryRows];

  static constexpr bool kRounds = !std::is_same_v<T, float>;
};

}  // namespace unsam::encoder
