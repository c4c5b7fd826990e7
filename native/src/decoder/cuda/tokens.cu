// CPU version: decoder/linear.cpp, decoder/cpu/group.cpp (self-attention, norms) and cpu/kernels/tokens.cpp.
//
// One prompt has about ten tokens, so a linear layer is a stream of weights: its work is cut by output columns over as many
// blocks as there are, and along the depth over the warps of a block.
#include "decoder/cuda/tokens.h"

#include "cuda/device/shared_memory.h"
#include "cuda/device/tile_product.h"
#include "cuda/device/warp.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr int kWarps = 8, kThreads = 32 * kWarps;
constexpr int kDimInt = static_cast<int>(kDim), kPitch = kDimInt + 4;
constexpr int kRows = 16;  // per block
constexpr int kManyRows = 128;  // from here on blocks take 32 columns instead of 8, to read their rows less often

// Rows of x [16][kPitch], normalised and in shared memory, with their position term or without.
struct Normalised {
  static constexpr bool split = true;
  const float* x;
  const float* position;  // null: without
  struct Row {
    const float* at;
    const float* position;
    __device__ __forceinline__ Word<true> word(int k) const {
      const float2 a = load_pair(at + k);
      if (position == nullptr) return make_word<true>(a.x, a.y);
      const float2 p = load_pair(position + k);
      return make_word<true>(a.x + p.x, a.y + p.y);
    }
  };
  __device__ __forceinline__ Row row(int i) const {
    return {x + i * kPitch, position == nullptr ? nullptr : position + i * kPitch};
  }
};

// Normalises rows [row0, row0 + 16) of x into shared memory; rows beyond are zero.
__device__ __forceinline__ void stage(const LinearJob& job, NormView norm, const float* position, int row0, float* x, float* p,
                                      float* normalised) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int r = static_cast<int>(threadIdx.x) / 32; r < kRows; r += kWarps) {
    const int row = row0 + r;
    const bool inside = row < job.rows;
    const float* from = job.x + static_cast<std::size_t>(row) * static_cast<std::size_t>(job.ldx);
    float v[8], sum = 0.0f;
    for (int i = 0; i < 8; ++i) sum += v[i] = inside ? from[lane + 32 * i] : 0.0f;
    const float mean = warp_sum(sum) * (1.0f / kDimInt);
    float square = 0.0f;
    for (int i = 0; i < 8; ++i) square += (v[i] - mean) * (v[i] - mean);
    const float inverse = 1.0f / sqrtf(warp_sum(square) * (1.0f / kDimInt) + 1e-5f);
    for (int i = 0; i < 8; ++i) {
      const int c = lane + 32 * i;
      const float y = inside ? (v[i] - mean) * inverse * norm.gain[c] + norm.bias[c] : 0.0f;
      x[r * kPitch + c] = y;
      if (position != nullptr) p[r * kPitch + c] = inside ? position[static_cast<std::size_t>(row) * kDim + static_cast<std::size_t>(c)] : 0.0f;
      if (inside && normalised != nullptr) normalised[static_cast<std::size_t>(row) * kDim + static_cast<std::size_t>(c)] = y;
    }
  }
}

template <int Tiles, bool Norm>
__global__ void __launch_bounds__(kThreads) linear_kernel(LinearJobs jobs, NormView norm, const float* position, float* normalised,
                                                          const Call* call) {
  constexpr int columns = 8 * Tiles;
  // Which job, which columns of it.
  int which = 0, at = static_cast<int>(blockIdx.x);
  while (at >= (jobs.job[which].layer.out + columns - 1) / columns) {
    at -= (jobs.job[which].layer.out + columns - 1) / columns;
    ++which;
  }
  const LinearJob& job = jobs.job[which];
  const int n0 = at * columns, row0 = static_cast<int>(blockIdx.y) * kRows;
  if (row0 >= job.rows) return;
  float* partial = dynamic_shared<float>();  // [kWarps][kRows][columns]
  float* x = partial + kWarps * kRows * columns;
  float* p = x + kRows * kPitch;
  const int warp = static_cast<int>(threadIdx.x) / 32, in = job.layer.in;
  const Lane lane;
  const Panels<true> weight{job.layer.weight, in};
  float d[Tiles][4] = {};
  // Each warp a run of the depth; 16 at least.
  const int steps = in / 16, from = steps * warp / kWarps * 16, to = steps * (warp + 1) / kWarps * 16;
  if constexpr (Norm) {
    stage(job, norm, position, row0, x, p, which == 0 && at == 0 ? normalised : nullptr);
    __syncthreads();
    accumulate<Tiles, true>(d, Normalised{x, job.with_position ? p : nullptr}, 0, weight, n0, from, to);
  } else {
    accumulate<Tiles, true>(d, Rows<true, float>{job.x, job.ldx, job.rows, in}, row0, weight, n0, from, to);
  }
#pragma unroll
  for (int j = 0; j < Tiles; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) partial[(warp * kRows + lane.row(i)) * columns + 8 * j + lane.column(i)] = d[j][i];
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < kRows * columns; i += kThreads) {
    const int row = row0 + i / columns, n = n0 + i % columns;
    if (row >= job.rows || n >= job.layer.out) continue;
    float sum = job.layer.bias[n];
    for (int w = 0; w < kWarps; ++w) sum += partial[w * kRows * columns + i];
    if (job.relu) sum = sum < 0.0f ? 0.0f : sum;
    if (job.residual != nullptr) {
      int source = row;
      if (job.gather) source = call->prompt[row % call->prompts].first_row + call->final_tokens[row / call->prompts];
      sum += job.residual[static_cast<std::size_t>(source) * static_cast<std::size_t>(job.ldy) + static_cast<std::size_t>(n)];
    }
    job.y[static_cast<std::size_t>(row) * static_cast<std::size_t>(job.ldy) + static_cast<std::size_t>(n)] = sum;
  }
}

// One block per prompt and head, one warp per query.
__global__ void __launch_bounds__(128) self_attention_kernel(const float* q, const float* k, const float* v, float* out,
                                                             int max_tokens, const Call* call) {
  constexpr int d = static_cast<int>(kSelfHeadDim);
  constexpr float scale = 0.17677669529663687f;  // 1 / sqrt(32)
  const PromptView& w = call->prompt[blockIdx.y];
  const int head = static_cast<int>(blockIdx.x), warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::size_t first = static_cast<std::size_t>(w.first_row) * kDim + static_cast<std::size_t>(head * d);
  float* score = dynamic_shared<float>() + warp * max_tokens;
  for (int i = warp; i < w.tokens; i += 4) {
    const float* query = q + first + i * kDimInt;
    float top = -INFINITY;
    for (int j = lane; j < w.tokens; j += 32) {
      const float* key = k + first + j * kDimInt;
      float sum = 0.0f;
      for (int c = 0; c < d; ++c) sum += query[c] * key[c];
      score[j] = sum * scale;
      top = fmaxf(top, score[j]);
    }
    top = warp_max(top);
    float total = 0.0f;
    for (int j = lane; j < w.tokens; j += 32) {
      score[j] = expf(score[j] - top);
      total += score[j];
    }
    total = warp_sum(total);
    __syncwarp();
    float sum = 0.0f;
    for (int j = 0; j < w.tokens; ++j) sum += score[j] * v[first + static_cast<std::size_t>(j * kDimInt + lane)];
    out[first + static_cast<std::size_t>(i * kDimInt + lane)] = sum / total;
    __syncwarp();
  }
}

// A granularity's own MLP has one row, so its depth is cut over the block, too: kSlices threads to an output. Over several blocks it
// would take a launch a layer.
constexpr int kSlices = 4;

__device__ __forceinline__ void granularity_layer(const LinearView& layer, const float* x, float* y, float* partial, bool relu) {
  const int n = static_cast<int>(threadIdx.x) % kDimInt, slice = static_cast<int>(threadIdx.x) / kDimInt;
  if (n < layer.out) {
    const int depth = layer.in / kSlices;
    const float* column = layer.weight + static_cast<std::size_t>(n / 64 * layer.in * 64 + n % 64);
    float sum = 0.0f;
#pragma unroll 16
    for (int k = slice * depth; k < (slice + 1) * depth; ++k) sum += x[k] * column[k * 64];
    partial[slice * kDimInt + n] = sum;
  }
  __syncthreads();
  if (slice == 0 && n < layer.out) {
    float sum = layer.bias[n];
    for (int other = 0; other < kSlices; ++other) sum += partial[other * kDimInt + n];
    y[n] = relu && sum < 0.0f ? 0.0f : sum;
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kSlices * kDimInt) prompt_tokens_kernel(const Call* call) {
  __shared__ float a[kDimInt], b[kDimInt], partial[kSlices * kDimInt];
  const ConstantsView& constants = call->constants;
  const TokenRow row = call->token_rows[blockIdx.x];
  const int c = static_cast<int>(threadIdx.x);
  float* out = call->position + static_cast<std::size_t>(blockIdx.x) * kDim;
  if (row.kind != kGranularity && c >= kDimInt) return;
  if (row.kind == kNoToken) {
    out[c] = 0.0f;
  } else if (row.kind == kOutputToken) {
    out[c] = constants.output_tokens[row.which * kDimInt + c];
  } else if (row.kind == kIgnoredPoint) {
    out[c] = constants.not_a_point[c];
  } else if (row.kind == kPoint) {
    // sin and cos of 2 pi (2 x - 1, 2 y - 1) G.
    const int i = c % 128;
    const float angle = 2.0f * ((2.0f * row.x - 1.0f) * constants.gaussian[i] + (2.0f * row.y - 1.0f) * constants.gaussian[128 + i]);
    out[c] = (c < 128 ? sinpif(angle) : cospif(angle)) + constants.point_embeddings[row.which * kDimInt + c];
  } else {
    if (c < 64) {
      a[2 * c] = sinf(constants.frequencies[c] * row.x);
      a[2 * c + 1] = cosf(constants.frequencies[c] * row.x);
    }
    __syncthreads();
    granularity_layer(constants.granularity[0], a, b, partial, true);
    granularity_layer(constants.granularity[1], b, a, partial, true);
    granularity_layer(constants.granularity[2], a, b, partial, false);
    if (c < kDimInt) out[c] = b[c] + constants.granularity_embedding[c];
  }
}

template <bool Norm>
void launch_linear(const LinearJobs& jobs, NormView norm, const float* position, float* normalised, const Call* call,
                   cudaStream_t stream) {
  int rows = 0;
  for (int i = 0; i < jobs.count; ++i) rows = rows > jobs.job[i].rows ? rows : jobs.job[i].rows;
  const int columns = rows >= kManyRows ? 32 : 8;
  int blocks = 0;
  for (int i = 0; i < jobs.count; ++i) blocks += (jobs.job[i].layer.out + columns - 1) / columns;
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>((rows + kRows - 1) / kRows));
  const std::size_t floats = static_cast<std::size_t>(kWarps * kRows * columns + (Norm ? 2 * kRows * kPitch : 0));
  launch(Norm ? "norm_linear" : "linear", columns == 32 ? linear_kernel<4, Norm> : linear_kernel<1, Norm>, grid, kThreads,
         floats * sizeof(float), stream, jobs, norm, position, normalised, call);
}

}  // namespace

void linear(const LinearJobs& jobs, const Call* call, cudaStream_t stream) {
  launch_linear<false>(jobs, {}, nullptr, nullptr, call, stream);
}

void norm_linear(const LinearJobs& jobs, NormView norm, const float* position, float* normalised, const Call* call,
                 cudaStream_t stream) {
  launch_linear<true>(jobs, norm, position, normalised, call, stream);
}

void self_attention(const float* q, const float* k, const float* v, float* out, int prompts, int max_tokens, const Call* call,
                    cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(kHeads), static_cast<unsigned>(prompts));
  launch("self_attention", self_attention_kernel, grid, 128, static_cast<std::size_t>(4 * max_tokens) * sizeof(float), stream, q, k,
         v, out, max_tokens, call);
}

void prompt_tokens(const Call* call, int rows, cudaStream_t stream) {
  launch("prompt_tokens", prompt_tokens_kernel, static_cast<unsigned>(rows), kSlices * kDimInt, 0, stream, call);
}

}  // namespace unsam::cuda
