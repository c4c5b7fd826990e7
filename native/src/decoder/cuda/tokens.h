// Operations on prompt tokens: a few rows of 256 numbers per prompt, always with float32 operands (cut in two for the tensor
// cores), like the CPU's.
#pragma once

#include <cuda_runtime.h>

#include "decoder/cuda/call.h"

namespace unsam::cuda {

// y[rows][out] = f(x[rows][in] W^T + b), with f the identity or ReLU, plus a residual.
struct LinearJob {
  LinearView layer;
  const float* x;
  int ldx;
  float* y;
  int ldy;
  int rows;
  bool relu = false;
  bool with_position = false;          // only after a norm: x is the normalised row plus its position term
  const float* residual = nullptr;     // [.][ldy]
  bool gather = false;                 // row r's residual is that of final token r / prompts of prompt r % prompts
};

inline constexpr int kMaxLinearJobs = 6;
struct LinearJobs {
  LinearJob job[kMaxLinearJobs];
  int count = 0;
  void add(const LinearJob& j) { job[count++] = j; }
};

// in: 128, 256, or a multiple of 128.
void linear(const LinearJobs& jobs, const Call* call, cudaStream_t stream);

// The same after LayerNorm of x (in = 256); the normalised rows of job 0's x are also written to `normalised` (or null).
// position [rows][256].
void norm_linear(const LinearJobs& jobs, NormView norm, const float* position, float* normalised, const Call* call,
                 cudaStream_t stream);

// out [rows][256] = multi-head attention of q, k, v [rows][256], each prompt's tokens among themselves.
void self_attention(const float* q, const float* k, const float* v, float* out, int prompts, int max_tokens, const Call* call,
                    cudaStream_t stream);

// Prompts to tokens: call->position.
void prompt_tokens(const Call* call, int rows, cudaStream_t stream);

}  // namespace unsam::cuda
