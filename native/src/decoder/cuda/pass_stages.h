// Stages that the passes over the image tokens share (image_passes.cu): products, softmax, sums of values, norms.
// Scores lie in shared memory as [column][token] with a pitch that keeps both the tensor-core layout and one-token-per-lane
// access free of bank conflicts. Sums that several warps contribute to are added in a fixed order: the same call gives the same
// bits.
#pragma once

#include "cuda/device/shared_memory.h"
#include "cuda/device/tile_product.h"
#include "cuda/device/warp.h"
#include "decoder/cuda/call.h"

namespace unsam::cuda::passes {

constexpr int kPitch = 36;      // floats from one column of scores to the next
constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
constexpr int kInnerInt = static_cast<int>(kInner), kProducts = static_cast<int>(kProductRows);
constexpr int kPositions = static_cast<int>(kPositionRows), kHead = static_cast<int>(kHeadDim);
constexpr float kNormEps = 1e-5f;

template <class P>
__device__ __forceinline__ float exponential(float x) {
  if constexpr (P::split) {
    return expf(x);
  } else {
    return __expf(x);
  }
}

// Working memory of a block: in shared memory, or, for very long prompts, in global memory.
struct Arena {
  float* next;
  __device__ __forceinline__ float* take(int n) {
    float* p = next;
    next += (n + 3) / 4 * 4;
    return p;
  }
};

// Running maximum and sum of each column, and the factor that what was summed before the current tile is rescaled with.
struct Running {
  float* max;
  float* sum;
  float* factor;
  __device__ __forceinline__ void start(Arena& arena, int columns) {
    max = arena.take(columns);
    sum = arena.take(columns);
    factor = arena.take(columns);
    for (int c = static_cast<int>(threadIdx.x); c < columns; c += kThreads) {
      max[c] = -INFINITY;
      sum[c] = 0.0f;
    }
  }
};

// Where a warp's share of a [32 tokens][columns] product lies: rows m0.., columns n0, n0 + 32, ...
struct Share {
  int m0, n0;
  __device__ __forceinline__ Share()
      : m0(static_cast<int>(threadIdx.x) / 32 % 2 * 16), n0(static_cast<int>(threadIdx.x) / 64 * 8) {}
};

template <class P>
using TileRows = Rows<true, typename P::Product>;

// Rows of one tile of the products or positions, from row `first`.
template <class P>
__device__ __forceinline__ TileRows<P> tile_rows(const void* data, int ld, int tile, int first) {
  return {static_cast<const typename P::Product*>(data) + static_cast<std::size_t>(tile) * kTile * ld + first, ld, kTile,
          kInnerInt};
}

// Numbers k and k + 1 of a row as an operand: split here, or before.
__device__ __forceinline__ Word<true> word_of(const float* row, int k) {
  const float2 pair = load_pair(row + k);
  return make_word<true>(pair.x, pair.y);
}
__device__ __forceinline__ Word<true> word_of(const SplitPair* row, int k) {
  const uint2 pair = *reinterpret_cast<const uint2*>(row + k / 2);
  return {pair.x, pair.y};
}

// The block-diagonal factor of a product by head: column h t_count + t holds q[t][16 h ... 16 h + 15] in rows 16 h ..., else 0.
// q [t_count][kInner] as float or as SplitPair, two in one; with `index`, row index[t] of q.
template <class T>
struct ByHead {
  static constexpr bool split = true;
  static constexpr int kRow = kInnerInt * static_cast<int>(sizeof(float)) / static_cast<int>(sizeof(T));
  const T* q;
  int t_count, columns;
  const int* index = nullptr;
  struct Row {
    const T* at;
    int first;  // of the head's 16 rows
    __device__ __forceinline__ Word<true> word(int k) const {
      if (k < first || k >= first + 16) return {};
      return word_of(at, k);
    }
  };
  __device__ __forceinline__ Row row(int column) const {
    if (column >= columns) return {q, 1 << 20};
    const int head = column / t_count;
    return of_head(head, column - head * t_count);
  }
  __device__ __forceinline__ Row of_head(int head, int t) const { return {q + (index != nullptr ? index[t] : t) * kRow, head * 16}; }
  // Depth that columns n0 ... n0 + 7 reach.
  __device__ __forceinline__ int begin(int n0) const { return n0 / t_count * 16; }
  __device__ __forceinline__ int end(int n0) const { return (min(n0 + 7, columns - 1) / t_count + 1) * 16; }
};

template <class P, class Q>
__device__ __forceinline__ void by_head(float (&d)[4], const TileRows<P>& rows, int m0, const Q& q, int n0) {
  accumulate(d, rows, m0, q, n0, q.begin(n0), q.end(n0));
}

// Scores of all columns that are nothing but products by head: a warp takes 16 tokens of one head, whose rows it reads and splits
// once for all of the head's columns.
template <class P, class Q>
__device__ __forceinline__ void scores_by_head(const TileRows<P>& rows, const Q& q, float* s) {
  const Lane lane;
  const int warp = static_cast<int>(threadIdx.x) / 32, m0 = warp % 2 * 16;
  const auto low = rows.row(m0 + lane.g), high = rows.row(m0 + lane.g + 8);
  for (int head = warp / 2; head < static_cast<int>(kHeads); head += kWarps / 2) {
    const int at = 16 * head + 2 * lane.t;
    const Word<true> left[4] = {low.word(at), high.word(at), low.word(at + 8), high.word(at + 8)};
    for (int first = 0; first < q.t_count; first += 8) {
      const int t = first + lane.g;
      Word<true> right[2];
      if (t < q.t_count) {
        const auto column = q.of_head(head, t);
        right[0] = column.word(at);
        right[1] = column.word(at + 8);
      }
      float d[4] = {0, 0, 0, 0};
      mma_words<true, true>(d, left, right);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int other = first + lane.column(i);
        if (other < q.t_count) s[(head * q.t_count + other) * kPitch + m0 + lane.row(i)] = d[i];
      }
    }
  }
}

__device__ __forceinline__ void scale_by_token(float (&d)[4], const float* factor, int m0) {
  const Lane lane;
#pragma unroll
  for (int i = 0; i < 4; ++i) d[i] *= factor[m0 + lane.row(i)];
}

__device__ __forceinline__ void store_scores(const float (&d)[4], float* s, int m0, int n0, int columns) {
  const Lane lane;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int column = n0 + lane.column(i);
    if (column < columns) s[column * kPitch + m0 + lane.row(i)] = d[i];
  }
}

// Softmax over the T prompt tokens of each head, for each image token.
template <class P>
__device__ __forceinline__ void softmax_tokens(float* s, int t_count, const float* bias) {
  const int token = static_cast<int>(threadIdx.x) % 32, head = static_cast<int>(threadIdx.x) / 32;
  float* column = s + head * t_count * kPitch + token;
  const float* shift = bias == nullptr ? nullptr : bias + head * t_count;
  float top = -INFINITY;
  for (int t = 0; t < t_count; ++t) top = fmaxf(top, column[t * kPitch] + (shift == nullptr ? 0.0f : shift[t]));
  float sum = 0.0f;
  for (int t = 0; t < t_count; ++t) {
    const float e = exponential<P>(column[t * kPitch] + (shift == nullptr ? 0.0f : shift[t]) - top);
    column[t * kPitch] = e;
    sum += e;
  }
  const float scale = 1.0f / sum;
  for (int t = 0; t < t_count; ++t) column[t * kPitch] *= scale;
}

// Online softmax over image tokens: scores become weights, times `factor` of their token where given; `weighted` (where
// given) sums those.
template <class P>
__device__ __forceinline__ void softmax_image(float* s, int columns, int valid, const Running& running, const float* factor,
                                              float* weighted) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int c = static_cast<int>(threadIdx.x) / 32; c < columns; c += kWarps) {
    const float score = lane < valid ? s[c * kPitch + lane] : -INFINITY;
    const float before = running.max[c], sum_before = running.sum[c];
    const float top = fmaxf(before, warp_max(score));
    float e = exponential<P>(score - top);
    const float rescale = exponential<P>(before - top);
    const float sum = warp_sum(e);
    if (factor != nullptr) e = lane < valid ? e * factor[lane] : 0.0f;
    s[c * kPitch + lane] = e;
    const float mean = weighted != nullptr ? warp_sum(e) : 0.0f;
    __syncwarp();  // all lanes have read what lane 0 now replaces
    if (lane == 0) {
      running.max[c] = top;
      running.sum[c] = sum_before * rescale + sum;
      running.factor[c] = rescale;
      if (weighted != nullptr) weighted[c] = (before == -INFINITY ? 0.0f : weighted[c] * rescale) + mean;
    }
  }
}

// values[c][i] = factor[c] values[c][i] + d for the tile at (m0, n0) of columns x width; only rows [from, to).
__device__ __forceinline__ void add_values(const float (&d)[4], float* values, int width, int m0, int n0, int from, int to,
                                           int n_end, const float* factor, bool first) {
  const Lane lane;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int c = m0 + lane.row(i), n = n0 + lane.column(i);
    if (c < from || c >= to || n >= n_end) continue;
    float* at = values + static_cast<std::size_t>(c) * width + n;
    *at = (first ? 0.0f : factor[c] * *at) + d[i];
  }
}

// The first 16 values of each column: sums over the tile's tokens of weight x the head's 16 values (x factor per token).
template <class P>
__device__ __forceinline__ void sum_head_values(const float* s, int t_count, const float* factor, const TileRows<P>& value,
                                                float* values, int width, const Running& running, bool first) {
  const int columns = t_count * static_cast<int>(kHeads);
  const int items = (columns + 15) / 16 * static_cast<int>(kHeads) * 2;
  for (int item = static_cast<int>(threadIdx.x) / 32; item < items; item += kWarps) {
    const int m0 = item / 16 * 16, head = item / 2 % 8, n0 = item % 2 * 8;
    const int from = head * t_count, to = from + t_count;
    if (to <= m0 || from >= m0 + 16) continue;
    const Columns<true, typename P::Product> v{value.data + head * kHead, value.ld, kHead, kTile};
    float d[4] = {0, 0, 0, 0};
    if (factor == nullptr) {
      accumulate(d, Rows<true, float>{s, kPitch, columns, kTile}, m0, v, n0, 0, kTile);
    } else {
      accumulate(d, ScaledRows<true>{s, kPitch, columns, kTile, factor}, m0, v, n0, 0, kTile);
    }
    add_values(d, values, width, m0, n0, from, to, kHead, running.factor, first);
  }
}

// Values 16 ... 16 + n - 1 of each column: sums of weight x attention a [n][kPitch].
template <class P>
__device__ __forceinline__ void sum_attention(const float* s, int columns, const float* a, int n, float* values, int width,
                                              const Running& running, bool first) {
  const int across = (n + 7) / 8, items = (columns + 15) / 16 * across;
  for (int item = static_cast<int>(threadIdx.x) / 32; item < items; item += kWarps) {
    const int m0 = item / across * 16, n0 = item % across * 8;
    float d[4] = {0, 0, 0, 0};
    accumulate(d, Rows<P::split, float>{s, kPitch, columns, kTile}, m0, Rows<P::split, float>{a, kPitch, n, kTile}, n0, 0, kTile);
    add_values(d, values + kHead, width, m0, n0, 0, columns, n, running.factor, first);
  }
}

// What each warp's lanes found for their tokens, added up in order: part [4][32].
__device__ __forceinline__ void gather_norm(float low, float high, float* part, const Share& share) {
  const Lane lane;
  for (int other = 1; other < 4; other *= 2) {
    low += __shfl_xor_sync(kFullWarp, low, other);
    high += __shfl_xor_sync(kFullWarp, high, other);
  }
  if (lane.t == 0) {
    part[share.n0 / 8 * 32 + share.m0 + lane.g] = low;
    part[share.n0 / 8 * 32 + share.m0 + lane.g + 8] = high;
  }
}

__device__ __forceinline__ float inverse_std(float square) {
  // A sum of terms of both signs; rounding may leave it a little below zero where it should be zero. NaN stays NaN.
  const float variance = square > 0.0f ? square * (1.0f / kDim) : square * 0.0f;
  return 1.0f / sqrtf(variance + kNormEps);
}

template <class P>
__device__ __forceinline__ void load_attention(const PromptView& w, const Call& call, int tile, int first, int count, float* a) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const auto* from = static_cast<const typename P::Element*>(w.attention) + static_cast<std::size_t>(tile) * kTile + lane;
  for (int c = static_cast<int>(threadIdx.x) / 32; c < count; c += kWarps) {
    a[c * kPitch + lane] = from_element(from[static_cast<std::size_t>(first + c) * call.image.padded]);
  }
}

template <class P>
__device__ __forceinline__ void store_attention(const PromptView& w, const Call& call, int tile, int first, int count,
                                                const float* a) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  auto* to = static_cast<typename P::Element*>(w.attention) + static_cast<std::size_t>(tile) * kTile + lane;
  for (int c = static_cast<int>(threadIdx.x) / 32; c < count; c += kWarps) {
    store_element(to + static_cast<std::size_t>(first + c) * call.image.padded, a[c * kPitch + lane]);
  }
}

struct Chunk {
  int first, end;  // tiles
  __device__ __forceinline__ explicit Chunk(const Call& call)
      : first(static_cast<int>(blockIdx.x) * call.tiles_per_chunk),
        end(min(first + call.tiles_per_chunk, call.image.padded / kTile)) {}
};

__device__ __forceinline__ void store_running(const PromptView& w, const Running& running, int columns) {
  for (int c = static_cast<int>(threadIdx.x); c < columns; c += kThreads) {
    w.partial_max[static_cast<int>(blockIdx.x) * columns + c] = running.max[c];
    w.partial_sum[static_cast<int>(blockIdx.x) * columns + c] = running.sum[c];
  }
}

template <bool Shared>
__device__ __forceinline__ Arena arena_of(float* global, std::size_t stride) {
  if constexpr (Shared) {
    return {dynamic_shared<float>()};
  } else {
    return {global + (static_cast<std::size_t>(blockIdx.y) * gridDim.x + blockIdx.x) * stride};
  }
}

}  // namespace unsam::cuda::passes
