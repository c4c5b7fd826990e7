// The passes over the image tokens. CPU version: decoder/cpu/image_passes.cpp (same algebra, see decoder/folded.h).
//
// A block of 8 warps takes one prompt and one chunk: some tiles of 32 image tokens, one after the other, with an online
// softmax over image tokens (Milakov & Gimelshein 2018). What the passes share is in pass_stages.h.
//
// Two kernels are longer than functions are elsewhere: a pass is one sequence of stages on the same registers and shared
// memory, between barriers that would be hidden by calls. Two passes look alike where both carry layer 0's norm; their stages
// differ in columns and in what stays in shared memory.
#include "decoder/cuda/image_passes.h"

#include "cuda/runtime/launch.h"
#include "decoder/cuda/pass_stages.h"

namespace unsam::cuda {
namespace {

using namespace passes;

// Token->image attention of layer 0.
template <class P, bool Shared>
__global__ void __launch_bounds__(kThreads) attend0_kernel(const Call* call_at, float* scratch, std::size_t stride) {
  const Call& call = *call_at;
  const PromptView& w = call.prompt[blockIdx.y];
  if (w.tokens == 0) return;
  const int t = w.tokens, columns = w.columns;
  Arena arena = arena_of<Shared>(scratch, stride);
  float* s = arena.take(columns * kPitch);
  Running running;
  running.start(arena, columns);
  float* values = w.partial_values + static_cast<std::size_t>(blockIdx.x) * columns * kHead;
  const ByHead<float> query{call.query + w.first_row * kInnerInt, t, columns};
  const Chunk chunk(call);
  __syncthreads();
  for (int tile = chunk.first; tile < chunk.end; ++tile) {
    const auto keys = tile_rows<P>(w.products, kProducts, tile, kKey0);
    scores_by_head<P>(keys, query, s);
    __syncthreads();
    softmax_image<P>(s, columns, call.image.tokens - tile * kTile, running, nullptr, nullptr);
    __syncthreads();
    sum_head_values<P>(s, t, nullptr, tile_rows<P>(w.products, kProducts, tile, kValue0), values, kHead, running,
                       tile == chunk.first);
    __syncthreads();
  }
  store_running(w, running, columns);
}

// Image->token attention of layer 0 with its norm, and token->image attention of layer 1.
template <class P, bool Shared>
__global__ void __launch_bounds__(kThreads) attend1_kernel(const Call* call_at, float* scratch, std::size_t stride) {
  using Element = typename P::Element;
  const Call& call = *call_at;
  const PromptView& w = call.prompt[blockIdx.y];
  if (w.tokens == 0) return;
  const int t = w.tokens, columns = w.columns, width = kHead + columns;
  Arena arena = arena_of<Shared>(scratch, stride);
  float* a1 = arena.take(columns * kPitch);
  float* s = arena.take(columns * kPitch);
  float* part = arena.take(4 * kTile);
  float* inverse = arena.take(kTile);
  Running running;
  running.start(arena, columns);
  float* values = w.partial_values + static_cast<std::size_t>(blockIdx.x) * columns * width;
  const ByHead<SplitPair> query{call.split_query + w.first_row * (kInnerInt / 2), t, columns};
  const ByHead<SplitPair> key{call.split_key + w.first_row * (kInnerInt / 2), t, columns};
  const ByHead<SplitPair> value{call.split_value1 + w.first_row * (kInnerInt / 2), t, columns};
  const Rows<P::split, Element> gram{static_cast<const Element*>(w.gram1), columns, columns, columns};
  const Rows<P::split, Element> to_score{static_cast<const Element*>(w.to_score1), columns, columns, columns};
  const Columns<P::split, float> attention{a1, kPitch, kTile, columns};
  const Share share;
  const Lane lane;
  const Chunk chunk(call);
  const int thread = static_cast<int>(threadIdx.x);
  for (int tile = chunk.first; tile < chunk.end; ++tile) {
    const auto queries = tile_rows<P>(w.products, kProducts, tile, kQuery0);
    scores_by_head<P>(queries, key, a1);
    __syncthreads();
    softmax_tokens<P>(a1, t, nullptr);
    __syncthreads();

    // |r1|^2 = |x~|^2 + A1 . (2 M1 x~ + M1 M1^T A1)
    const auto norm_rows = tile_rows<P>(w.products, kProducts, tile, kNorm1);
    float norm[2] = {0.0f, 0.0f};
    for (int n0 = share.n0; n0 < columns; n0 += 32) {
      float d[4] = {0, 0, 0, 0};
      by_head<P>(d, norm_rows, share.m0, value, n0);
#pragma unroll
      for (int i = 0; i < 4; ++i) d[i] *= 2.0f;
      accumulate(d, attention, share.m0, gram, n0, n0 / 16 * 16, columns);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = n0 + lane.column(i);
        if (column < columns) norm[i / 2] += d[i] * a1[column * kPitch + share.m0 + lane.row(i)];
      }
    }
    gather_norm(norm[0], norm[1], part, share);
    __syncthreads();
    if (thread < kTile) {
      const int token = tile * kTile + thread;
      inverse[thread] = inverse_std(w.norms[token] + ((part[thread] + part[32 + thread]) + (part[64 + thread] + part[96 + thread])));
      w.inverse1[token] = inverse[thread];
    }
    __syncthreads();
    for (int i = thread; i < columns * kTile; i += kThreads) a1[i / kTile * kPitch + i % kTile] *= inverse[i % kTile];
    __syncthreads();
    store_attention<P>(w, call, tile, 0, columns, a1);

    // Scores of layer 1 from x1 + position.
    const auto keys = tile_rows<P>(w.products, kProducts, tile, kKey1);
    const auto positions = tile_rows<P>(call.image.positions, kPositions, tile, kPositionKey1);
    for (int n0 = share.n0; n0 < columns; n0 += 32) {
      float d[4] = {0, 0, 0, 0};
      by_head<P>(d, keys, share.m0, query, n0);
      scale_by_token(d, inverse, share.m0);
      accumulate(d, attention, share.m0, to_score, n0, 0, columns);
      by_head<P>(d, positions, share.m0, query, n0);
      store_scores(d, s, share.m0, n0, columns);
    }
    __syncthreads();
    softmax_image<P>(s, columns, call.image.tokens - tile * kTile, running, nullptr, nullptr);
    __syncthreads();
    const bool first = tile == chunk.first;
    sum_attention<P>(s, columns, a1, columns, values, width, running, first);
    sum_head_values<P>(s, t, inverse, tile_rows<P>(w.products, kProducts, tile, kValue1), values, width, running, first);
    __syncthreads();
  }
  store_running(w, running, columns);
}

// Image->token attention of layer 1 with its norm, and the last token->image attention. Two blocks a multiprocessor (without the
// bound it takes 178 registers); very long prompts, whose working set is in global memory, would spill then.
template <class P, bool Shared>
__global__ void __launch_bounds__(kThreads, Shared ? 2 : 1) attend_final_kernel(const Call* call_at, float* scratch, std::size_t stride) {
  using Element = typename P::Element;
  const Call& call = *call_at;
  const PromptView& w = call.prompt[blockIdx.y];
  if (w.tokens == 0) return;
  const int t = w.tokens, columns = w.columns, both = 2 * columns, tf = call.final_count;
  const int final_columns = tf * static_cast<int>(kHeads), width = kHead + both + 1;
  Arena arena = arena_of<Shared>(scratch, stride);
  float* a12 = arena.take(both * kPitch);
  float* s = arena.take(final_columns * kPitch);
  float* part = arena.take(4 * kTile);
  float* inverse1 = arena.take(kTile);
  float* inverse2 = arena.take(kTile);
  float* ones = arena.take(final_columns);
  Running running;
  running.start(arena, final_columns);
  float* a2 = a12 + columns * kPitch;
  float* values = w.partial_values + static_cast<std::size_t>(blockIdx.x) * final_columns * width;
  const ByHead<SplitPair> query{call.split_query + w.first_row * (kInnerInt / 2), tf, final_columns, call.final_tokens};
  const ByHead<SplitPair> key{call.split_key + w.first_row * (kInnerInt / 2), t, columns};
  const ByHead<SplitPair> value1{call.split_value1 + w.first_row * (kInnerInt / 2), t, columns};
  const ByHead<SplitPair> value2{call.split_value2 + w.first_row * (kInnerInt / 2), t, columns};
  const Rows<P::split, Element> gram{static_cast<const Element*>(w.gram12), both, both, both};
  const Rows<P::split, Element> to_query{static_cast<const Element*>(w.to_query1), columns, columns, columns};
  const Rows<P::split, Element> to_score{static_cast<const Element*>(w.to_score_final), both, final_columns, both};
  const Columns<P::split, float> attention1{a12, kPitch, kTile, columns}, attention12{a12, kPitch, kTile, both};
  const Share share;
  const Lane lane;
  const Chunk chunk(call);
  const int thread = static_cast<int>(threadIdx.x);
  for (int tile = chunk.first; tile < chunk.end; ++tile) {
    const int token = tile * kTile + thread;
    load_attention<P>(w, call, tile, 0, columns, a12);
    if (thread < kTile) inverse1[thread] = w.inverse1[token];
    __syncthreads();

    // A2, the attention of layer 1's image tokens over the prompt tokens.
    const auto queries = tile_rows<P>(w.products, kProducts, tile, kQuery1);
    const auto query_positions = tile_rows<P>(call.image.positions, kPositions, tile, kPositionQuery1);
    for (int n0 = share.n0; n0 < columns; n0 += 32) {
      float d[4] = {0, 0, 0, 0};
      by_head<P>(d, queries, share.m0, key, n0);
      scale_by_token(d, inverse1, share.m0);
      accumulate(d, attention1, share.m0, to_query, n0, 0, columns);
      by_head<P>(d, query_positions, share.m0, key, n0);
      store_scores(d, a2, share.m0, n0, columns);
    }
    __syncthreads();
    softmax_tokens<P>(a2, t, w.query1_shift);
    __syncthreads();
    store_attention<P>(w, call, tile, columns, columns, a2);

    // |r2|^2 with a = (A1 / sigma1, A2): |y0|^2 / sigma1^2 + 2 y0 . beta / sigma1 + |beta|^2
    //   + a . (2 M y0 / sigma1 + 2 M beta + M M^T a)
    const auto norm_a = tile_rows<P>(w.products, kProducts, tile, kNorm2a);
    const auto norm_b = tile_rows<P>(w.products, kProducts, tile, kNorm2b);
    float norm[2] = {0.0f, 0.0f};
    for (int n0 = share.n0; n0 < both; n0 += 32) {
      float d[4] = {0, 0, 0, 0};
      if (n0 < columns) {  // columns is a multiple of 8: a tile never straddles
        by_head<P>(d, norm_a, share.m0, value1, n0);
      } else {
        by_head<P>(d, norm_b, share.m0, value2, n0 - columns);
      }
      scale_by_token(d, inverse1, share.m0);
#pragma unroll
      for (int i = 0; i < 4; ++i) d[i] *= 2.0f;
      accumulate(d, attention12, share.m0, gram, n0, n0 / 16 * 16, both);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = n0 + lane.column(i);
        norm[i / 2] += (d[i] + w.linear12[column]) * a12[column * kPitch + share.m0 + lane.row(i)];
      }
    }
    gather_norm(norm[0], norm[1], part, share);
    __syncthreads();
    if (thread < kTile) {
      const float i = inverse1[thread];
      const float known = i * (i * w.norms[call.image.padded + token] + 2.0f * w.norms[2 * call.image.padded + token]);
      const float square = (known + call.constants.beta_square) +
                           ((part[thread] + part[32 + thread]) + (part[64 + thread] + part[96 + thread]));
      inverse2[thread] = inverse_std(square);
      w.inverse2[token] = inverse2[thread];
    }
    __syncthreads();

    // Scores of the last attention.
    const auto keys = tile_rows<P>(w.products, kProducts, tile, kKeyFinal);
    const auto key_positions = tile_rows<P>(call.image.positions, kPositions, tile, kPositionKeyFinal);
    for (int n0 = share.n0; n0 < final_columns; n0 += 32) {
      float d[4] = {0, 0, 0, 0};
      by_head<P>(d, keys, share.m0, query, n0);
      scale_by_token(d, inverse1, share.m0);
      accumulate(d, attention12, share.m0, to_score, n0, 0, both);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = n0 + lane.column(i);
        if (column < final_columns) d[i] = inverse2[share.m0 + lane.row(i)] * (d[i] + w.score_shift[column]);
      }
      by_head<P>(d, key_positions, share.m0, query, n0);
      store_scores(d, s, share.m0, n0, final_columns);
    }
    __syncthreads();
    softmax_image<P>(s, final_columns, call.image.tokens - tile * kTile, running, inverse2, ones);
    __syncthreads();
    const bool first = tile == chunk.first;
    sum_attention<P>(s, final_columns, a12, both, values, width, running, first);
    sum_head_values<P>(s, tf, inverse1, tile_rows<P>(w.products, kProducts, tile, kValueFinal), values, width, running, first);
    __syncthreads();
  }
  store_running(w, running, final_columns);
  for (int c = thread; c < final_columns; c += kThreads) values[static_cast<std::size_t>(c) * width + width - 1] = ones[c];
}

std::size_t floats(Pass pass, int columns, int final_columns) {
  const auto c = static_cast<std::size_t>(columns), cf = static_cast<std::size_t>(final_columns);
  switch (pass) {
    case Pass::attend0: return c * (kPitch + 3) + 64;
    case Pass::attend1: return c * (2 * kPitch + 3) + 5 * kTile + 64;
    case Pass::attend_final: return c * 2 * kPitch + cf * (kPitch + 4) + 6 * kTile + 64;
  }
  return 0;
}

}  // namespace

std::size_t pass_scratch_floats(Pass pass, int columns, int final_columns) {
  const std::size_t n = floats(pass, columns, final_columns);
  return n * sizeof(float) <= kMaxSharedBytes ? 0 : n;
}

void image_pass(Pass pass, bool bf16, const Call* call, const PassShape& shape, float* scratch, cudaStream_t stream) {
  const std::size_t n = floats(pass, shape.columns, shape.final_columns), bytes = n * sizeof(float);
  const bool shared = bytes <= kMaxSharedBytes;
  const dim3 grid(static_cast<unsigned>(shape.chunks), static_cast<unsigned>(shape.prompts));
  const auto run = [&](const char* name, auto in_shared, auto in_global) {
    launch(name, shared ? in_shared : in_global, grid, kThreads, shared ? bytes : 0, stream, call, scratch, n);
  };
  switch (pass) {
    case Pass::attend0:
      if (bf16) run("attend0", attend0_kernel<Bf16, true>, attend0_kernel<Bf16, false>);
      else run("attend0", attend0_kernel<Float32, true>, attend0_kernel<Float32, false>);
      break;
    case Pass::attend1:
      if (bf16) run("attend1", attend1_kernel<Bf16, true>, attend1_kernel<Bf16, false>);
      else run("attend1", attend1_kernel<Float32, true>, attend1_kernel<Float32, false>);
      break;
    case Pass::attend_final:
      if (bf16) run("attend_final", attend_final_kernel<Bf16, true>, attend_final_kernel<Bf16, false>);
      else run("attend_final", attend_final_kernel<Float32, true>, attend_final_kernel<Float32, false>);
      break;
  }
}

}  // namespace unsam::cuda
