// CPU version: decoder/cpu/prompt_matrices.cpp.
#include "decoder/cuda/prompt_matrices.h"

#include "cuda/device/shared_memory.h"
#include "cuda/device/tile_product.h"
#include "cuda/device/warp.h"
#include "cuda/runtime/launch.h"
#include "unsam/cuda.h"

namespace unsam::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kHead = static_cast<int>(kHeadDim), kInnerInt = static_cast<int>(kInner), kHeadsInt = static_cast<int>(kHeads);
constexpr int kTokens = 32;  // of one head at a time

// Where a product goes, and in which shape.
enum Target : int {
  kGram,          // target[c'][c], upper triangle, off-diagonal doubled
  kGramCross,     // zero at target[c'][c], twice the product at [c][c']: the block above the diagonal from the one below
  kScores,        // target[c'][c]
  kScoresFinal,   // the same with the final tokens' rows
  kTransposed,    // target[row][c]: no left factor
  kValues,        // target[c][row]: no left factor; float
};

struct Job {
  int source;        // 1 or 2: value1, value2
  int panel;         // first of two panels: 128 rows of from_value1 or from_value2
  Target target;
  int left;          // 0 query, 1 key, 2 value1, 3 value2
  int row_offset, column_offset;  // in units of C; rows of kTransposed in units of 128
  int which;         // which matrix
};

enum Which : int { kWhichGram1, kWhichScore1, kWhichQuery1, kWhichGram12, kWhichScoreFinal, kWhichUpscale, kWhichValue1,
                   kWhichValueFinal1, kWhichValueFinal2 };

__device__ __forceinline__ void* matrix(const PromptView& w, int which) {
  switch (which) {
    case kWhichGram1: return w.gram1;
    case kWhichScore1: return w.to_score1;
    case kWhichQuery1: return w.to_query1;
    case kWhichGram12: return w.gram12;
    case kWhichScoreFinal: return w.to_score_final;
    case kWhichUpscale: return w.to_upscale;
    case kWhichValue1: return w.to_value1;
    case kWhichValueFinal1: return w.to_value_final1;
    default: return w.to_value_final2;
  }
}

__device__ constexpr Job kLayer0[] = {
    {1, kGram1, kGram, 2, 0, 0, kWhichGram1},
    {1, kToKey1, kScores, 0, 0, 0, kWhichScore1},
    {1, kToValue1, kValues, 0, 0, 0, kWhichValue1},
};
__device__ constexpr Job kLayer1[] = {
    {1, kToQuery1, kScores, 1, 0, 0, kWhichQuery1},
    {1, kGram2, kGram, 2, 0, 0, kWhichGram12},
    {1, kCross, kGramCross, 3, 1, 0, kWhichGram12},
    {2, kGram3, kGram, 3, 1, 1, kWhichGram12},
    {1, kToKeyFinal1, kScoresFinal, 0, 0, 0, kWhichScoreFinal},
    {2, kToKeyFinal2, kScoresFinal, 0, 0, 1, kWhichScoreFinal},
    {1, kToUpscale1, kTransposed, 0, 0, 0, kWhichUpscale},
    {1, kToUpscale1 + 2, kTransposed, 0, 1, 0, kWhichUpscale},
    {2, kToUpscale2, kTransposed, 0, 0, 1, kWhichUpscale},
    {2, kToUpscale2 + 2, kTransposed, 0, 1, 1, kWhichUpscale},
    {1, kToValueFinal1, kValues, 0, 0, 0, kWhichValueFinal1},
    {2, kToValueFinal2, kValues, 0, 0, 0, kWhichValueFinal2},
};
constexpr int kLayer0Jobs = sizeof kLayer0 / sizeof *kLayer0, kLayer1Jobs = sizeof kLayer1 / sizeof *kLayer1;

__device__ __forceinline__ float dot16(const float* a, const float* b) {
  float sum = 0.0f;
#pragma unroll
  for (int d = 0; d < kHead; ++d) sum += a[d] * b[d];
  return sum;
}

// The vectors of layer 1: what A2's scores, the norm and the last scores are shifted by.
__device__ __forceinline__ void vectors(const Call& call, const PromptView& w) {
  const ConstantsView& constants = call.constants;
  for (int c = static_cast<int>(threadIdx.x); c < w.columns; c += kThreads) {
    const int head = c / w.tokens * kHead, at = (w.first_row + c % w.tokens) * kInnerInt + head;
    w.query1_shift[c] = dot16(call.key + at, constants.query1_shift + head);
    w.linear12[c] = 2.0f * dot16(call.value1 + at, constants.beta_value1 + head);
    w.linear12[w.columns + c] = 2.0f * dot16(call.value2 + at, constants.beta_value2 + head);
  }
  for (int c = static_cast<int>(threadIdx.x); c < call.final_count * kHeadsInt; c += kThreads) {
    const int head = c / call.final_count * kHead;
    const int at = (w.first_row + call.final_tokens[c % call.final_count]) * kInnerInt + head;
    w.score_shift[c] = dot16(call.query + at, constants.key_final_shift + head);
  }
}

// One head of a run of tokens as operands of the pass that follows: what changed since the last one.
template <bool Layer1>
__device__ __forceinline__ void split(const Call& call, int first_row, int count, int head) {
  constexpr int pairs = kHead / 2;
  for (int i = static_cast<int>(threadIdx.x); i < count * pairs; i += kThreads) {
    const int at = ((first_row + i / pairs) * kInnerInt + head * kHead) / 2 + i % pairs;
    const auto one = [&](const float* from, SplitPair* to) {
      const float2 pair = load_pair(from + 2 * at);
      const Word<true> word = make_word<true>(pair.x, pair.y);
      to[at] = {word.hi, word.lo};
    };
    one(call.query, call.split_query);
    one(call.key, call.split_key);
    if constexpr (Layer1) {
      one(call.value2, call.split_value2);
    } else {
      one(call.value1, call.split_value1);
    }
  }
}

// One block per job, head h and run of tokens: R[t][128 rows] = W_h v_t, then its products with the left factor's columns.
template <class P, bool Layer1>
__global__ void __launch_bounds__(kThreads) matrices_kernel(const Call* call_at, int token_runs) {
  using Element = typename P::Element;
  __shared__ float r[kTokens * (kInnerInt + 1)];
  const Call& call = *call_at;
  const PromptView& w = call.prompt[blockIdx.y];
  if (w.tokens == 0) return;
  const int block = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const int run = block % token_runs, head = block / token_runs % kHeadsInt, index = block / token_runs / kHeadsInt;
  const int first = run * kTokens, count = min(kTokens, w.tokens - first);
  if (count <= 0) return;
  if (index == (Layer1 ? kLayer1Jobs : kLayer0Jobs)) {
    split<Layer1>(call, w.first_row + first, count, head);
    if (Layer1 && run == 0 && head == 0) vectors(call, w);
    return;
  }
  const Job job = Layer1 ? kLayer1[index] : kLayer0[index];
  const int columns = w.columns, c0 = head * w.tokens + first;  // column of the run's first token

  const float* value = (job.source == 1 ? call.value1 : call.value2) + (w.first_row + first) * kInnerInt + head * kHead;
  const float* map = (job.source == 1 ? call.constants.from_value1 : call.constants.from_value2);
  for (int i = thread; i < count * kInnerInt; i += kThreads) {
    const int t = i / kInnerInt, row = i % kInnerInt;
    const float* weight = map + static_cast<std::size_t>((job.panel + row / 64) * kInnerInt + head * kHead) * 64 + static_cast<std::size_t>(row % 64);
    float sum = 0.0f;
#pragma unroll
    for (int d = 0; d < kHead; ++d) sum += value[t * kInnerInt + d] * weight[d * 64];
    r[t * (kInnerInt + 1) + row] = sum;
  }
  __syncthreads();

  if (job.target == kValues) {
    auto* out = static_cast<float*>(matrix(w, job.which));
    for (int i = thread; i < count * kInnerInt; i += kThreads) {
      out[(c0 + i / kInnerInt) * kInnerInt + i % kInnerInt] = r[i / kInnerInt * (kInnerInt + 1) + i % kInnerInt];
    }
    return;
  }
  auto* out = static_cast<Element*>(matrix(w, job.which));
  const int ld = job.which >= kWhichGram12 ? 2 * columns : columns;
  if (job.target == kTransposed) {
    for (int i = thread; i < count * kInnerInt; i += kThreads) {
      const int row = i / count, t = i % count;
      store_element(out + static_cast<std::size_t>(job.row_offset * kInnerInt + row) * static_cast<std::size_t>(ld) +
                        static_cast<std::size_t>(job.column_offset * columns + c0 + t),
                    r[t * (kInnerInt + 1) + row]);
    }
    return;
  }
  const float* left = job.left == 0 ? call.query : job.left == 1 ? call.key : job.left == 2 ? call.value1 : call.value2;
  left += w.first_row * kInnerInt;
  const int left_tokens = job.target == kScoresFinal ? call.final_count : w.tokens;
  for (int i = thread; i < left_tokens * kHeadsInt * count; i += kThreads) {
    const int row = i / count, t = i % count, left_head = row / left_tokens * kHead;
    int token = row % left_tokens;
    if (job.target == kScoresFinal) token = call.final_tokens[token];
    const float* q = left + token * kInnerInt + left_head;
    float sum = 0.0f;
#pragma unroll
    for (int d = 0; d < kHead; ++d) sum += q[d] * r[t * (kInnerInt + 1) + left_head + d];
    const int y = job.row_offset * columns + row, x = job.column_offset * columns + c0 + t;
    Element* at = out + static_cast<std::size_t>(y) * static_cast<std::size_t>(ld) + static_cast<std::size_t>(x);
    if (job.target == kGramCross) {
      store_element(at, 0.0f);
      store_element(out + static_cast<std::size_t>(x) * static_cast<std::size_t>(ld) + static_cast<std::size_t>(y), 2.0f * sum);
    } else if (job.target == kGram) {
      store_element(at, x < y ? 0.0f : x == y ? sum : 2.0f * sum);
    } else {
      store_element(at, sum);
    }
  }
}

enum class Merge { layer0, layer1, final_layer };

constexpr int kMergeThreads = 256, kMergeWarps = kMergeThreads / 32, kRuns = kMergeThreads / kHead;

// One block per column and prompt: the chunks' softmaxes, weighed by exp(max - top), divided by the common sum. Each warp takes
// every eighth chunk, with several of them in flight.
template <Merge Kind>
__global__ void __launch_bounds__(kMergeThreads) merge_kernel(const Call* call_at) {
  const Call& call = *call_at;
  const ConstantsView& constants = call.constants;
  const PromptView& w = call.prompt[blockIdx.y];
  const bool final_layer = Kind == Merge::final_layer;
  const int t_count = final_layer ? call.final_count : w.tokens, rows = t_count * kHeadsInt;
  const int row = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  if (row >= rows || w.tokens == 0) return;
  const int head = row / t_count, t = row % t_count, columns = w.columns;
  const int width = Kind == Merge::layer0 ? kHead : Kind == Merge::layer1 ? kHead + columns : kHead + 2 * columns + 1;
  __shared__ float out[kRuns][kHead];
  float* value = dynamic_shared<float>();     // [width]
  float* part = value + width;                // [kMergeWarps][width]
  float* factor = part + kMergeWarps * width; // [chunks]

  // Each warp for itself: the same numbers.
  float top = -INFINITY, sum = 0.0f;
  for (int c = lane; c < call.chunks; c += 32) top = fmaxf(top, w.partial_max[c * rows + row]);
  top = warp_max(top);
  for (int c = lane; c < call.chunks; c += 32) {
    const float f = expf(w.partial_max[c * rows + row] - top);
    sum += f * w.partial_sum[c * rows + row];
    if (warp == 0) factor[c] = f;
  }
  const float inverse = 1.0f / warp_sum(sum);
  __syncthreads();
  const float* values = w.partial_values + static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
  const std::size_t step = static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
  for (int i = lane; i < width; i += 32) {
    float total = 0.0f;
#pragma unroll 4
    for (int c = warp; c < call.chunks; c += kMergeWarps) total += factor[c] * values[static_cast<std::size_t>(c) * step + static_cast<std::size_t>(i)];
    part[warp * width + i] = total;
  }
  __syncthreads();
  for (int i = thread; i < width; i += kMergeThreads) {
    float total = 0.0f;
#pragma unroll
    for (int other = 0; other < kMergeWarps; ++other) total += part[other * width + i];
    value[i] = total * inverse;
  }
  __syncthreads();

  // What came through the attention of image tokens over prompt tokens: runs of columns, then their sum.
  const int d = thread % kHead, run = thread / kHead;
  float add = 0.0f;
  if constexpr (Kind != Merge::layer0) {
    const float* r = (Kind == Merge::layer1 ? w.to_value1 : w.to_value_final1) + head * kHead + d;
    for (int c = run; c < columns; c += kRuns) add += value[kHead + c] * r[c * kInnerInt];
    if constexpr (Kind == Merge::final_layer) {
      const float* r2 = w.to_value_final2 + head * kHead + d;
      for (int c = run; c < columns; c += kRuns) add += value[kHead + columns + c] * r2[c * kInnerInt];
    }
  }
  out[run][d] = add;
  __syncthreads();
  if (thread >= kHead) return;
  float total = value[d];
  for (int i = 0; i < kRuns; ++i) total += out[i][d];
  const int at = head * kHead + d;
  if constexpr (Kind == Merge::layer0) total += constants.value0_shift[at];
  if constexpr (Kind == Merge::layer1) total += constants.value1_shift[at];
  if constexpr (Kind == Merge::final_layer) {
    total += value[width - 1] * constants.value_final_scaled[at] + constants.value_final_shift[at];
  }
  const int out_row = final_layer ? t * call.prompts + static_cast<int>(blockIdx.y) : w.first_row + t;
  call.attention[out_row * kInnerInt + at] = total;
}

constexpr std::size_t merge_floats(std::size_t width, std::size_t chunks) { return (1 + kMergeWarps) * width + chunks; }
static_assert((merge_floats(kHead + 2 * 8 * kMostTokens + 1, 4096) + kRuns * kHead) * sizeof(float) <= kMaxSharedBytes);

template <Merge Kind>
void merge(const char* name, const Call* call, int prompts, int rows, int chunks, int width, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>(prompts));
  const std::size_t bytes = merge_floats(static_cast<std::size_t>(width), static_cast<std::size_t>(chunks)) * sizeof(float);
  launch(name, merge_kernel<Kind>, grid, kMergeThreads, bytes, stream, call);
}

template <bool Layer1>
void matrices(const char* name, bool bf16, const Call* call, int prompts, int max_tokens, int jobs, cudaStream_t stream) {
  const int runs = (max_tokens + kTokens - 1) / kTokens;
  const dim3 grid(static_cast<unsigned>(jobs * kHeadsInt * runs), static_cast<unsigned>(prompts));
  launch(name, bf16 ? matrices_kernel<Bf16, Layer1> : matrices_kernel<Float32, Layer1>, grid, kThreads, 0, stream, call, runs);
}

}  // namespace

void layer0_matrices(bool bf16, const Call* call, int prompts, int max_tokens, cudaStream_t stream) {
  matrices<false>("layer0_matrices", bf16, call, prompts, max_tokens, kLayer0Jobs + 1, stream);
}

void layer1_matrices(bool bf16, const Call* call, int prompts, int max_tokens, cudaStream_t stream) {
  matrices<true>("layer1_matrices", bf16, call, prompts, max_tokens, kLayer1Jobs + 1, stream);
}

void merge0(const Call* call, int prompts, int columns, int chunks, cudaStream_t stream) {
  merge<Merge::layer0>("merge0", call, prompts, columns, chunks, kHead, stream);
}

void merge1(const Call* call, int prompts, int columns, int chunks, cudaStream_t stream) {
  merge<Merge::layer1>("merge1", call, prompts, columns, chunks, kHead + columns, stream);
}

void merge_final(const Call* call, int prompts, int columns, int chunks, int final_count, cudaStream_t stream) {
  merge<Merge::final_layer>("merge_final", call, prompts, final_count * kHeadsInt, chunks, kHead + 2 * columns + 1, stream);
}

}  // namespace unsam::cuda
