// The table of CPU kernels. Every kernel file is compiled once per instruction set; `kernels_for` (isa.h) hands out the
// table of the best one. Shapes: L = kLanes; a "block" is [rows][L] with one image token per lane (layout.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/layout.h"

namespace unsam {

// C[m][L] = scale * C0 + A[m][k] * B[k][L]. B rows are L apart.
struct GemmArgs {
  std::size_t m, k;
  const float* a;
  std::size_t lda;
  const float* b;
  float* c;
  std::size_t ldc;
  const float* c0 = nullptr;     // null: start from zero
  std::size_t ld0 = 0;           // 0: the same row for all m (a bias per lane)
  const float* scale = nullptr;  // [L], multiplies C0; null: 1
};

// The same with bfloat16 operands, summed in float32. A row-major [m][k], B in pairs of rows: [k / 2][L][2]; k even.
struct GemmBf16Args {
  std::size_t m, k;
  const std::uint16_t* a;
  std::size_t lda;
  const std::uint16_t* b;
  float* c;
  std::size_t ldc;
  const float* c0 = nullptr;
  std::size_t ld0 = 0;
  const float* scale = nullptr;
};

// out[m][n] = sum over blocks and lanes of a[m][lane] * b[n][lane].
struct DotArgs {
  std::size_t m, n, blocks;
  const float* a;
  std::size_t a_block;  // distance of a's blocks, in floats
  const float* b;
  std::size_t b_block;
  float* out;
  std::size_t ldo;
};

struct Kernels {
  const char* name;

  void (*gemm)(const GemmArgs&);
  std::size_t bf16_rows;  // gemm_bf16 works on so many rows at a time, or on a divisor
  void (*gemm_bf16)(const GemmBf16Args&);  // null where the CPU has no bfloat16 dot product
  // Rounds a block [rows][L] to bfloat16 pairs [rows / 2][L][2]; rows even.
  void (*pack_bf16)(std::size_t rows, const float* block, std::uint16_t* out);
  void (*dot)(const DotArgs&);

  // Softmax over the t rows of each of `heads` groups, lane by lane, in place: s [heads * t][L]; bias[row] (or null) is
  // added first.
  void (*softmax_tokens)(std::size_t heads, std::size_t t, const float* bias, float* s);
  // For each of `rows` rows: max over the lanes of all blocks, s = exp(s - max), sum. Lanes from `valid` on in the last
  // block get 0.
  void (*softmax_chunk)(std::size_t rows, std::size_t blocks, std::size_t valid, float* s, std::size_t s_block,
                        float* max, float* sum);

  // out[r] = scale (a[r] + shift[r]); shift and a may be null (0, out itself), scale is [L].
  void (*scale_rows)(std::size_t rows, const float* a, const float* shift, const float* scale, float* out);
  // acc[L] += sum over rows of a[r] * b[r].
  void (*add_products)(std::size_t rows, const float* a, const float* b, float* acc);
  // n = 1 / sqrt(n / kDim + eps), [L].
  void (*inverse_std)(float eps, float* n);
  // norms[0] = |x|^2, norms[1] = |y|^2, norms[2] = y . beta per lane for x = centred(block + shift),
  // y = centred(gain * x); block [kDim][L], scratch [kDim][L].
  void (*image_norms)(const float* block, const float* shift, const float* gain, const float* beta, float* scratch,
                      float* norms);

  // out[t_i][c] for each head h: q[t][h * 16 ..] . r[c][h * 16 ..], 16 products each; out row h * t + t_i, `cols` columns.
  // q [t][kInner]; r in two panels [2][cols][64] (columns 0-63 and 64-127 of [cols][kInner]).
  void (*head_dots)(std::size_t t, std::size_t cols, const float* q, const float* r, float* out, std::size_t ldo);
  // x = gelu(x), n a multiple of L.
  void (*gelu)(std::size_t n, float* x);

  // Upscaling; coarse: a cheaper GELU polynomial (error 2e-5).
  // y = gelu(layer norm over the rows of (scale (acc + shift) + skip)), in place: acc [kUp1][L].
  void (*upscale_norm)(float* acc, const float* scale, const float* shift, const float* skip, const float* gain,
                       const float* bias, float eps, bool coarse);
  // out[mask][L] = sum over rows of hyper[mask][row] * gelu(x[row]); x [kUp0][L].
  void (*gelu_dot)(const float* x, const float* hyper, std::size_t masks, float* out, std::size_t ldo, bool coarse);

  // Token side; rows of kDim floats unless said otherwise.
  void (*layer_norm)(std::size_t rows, float* x, const float* gain, const float* bias, float eps);
  void (*add)(std::size_t n, float* x, const float* y);   // x += y
  void (*relu)(std::size_t n, float* x);
  // out [t][kDim] = multi-head attention of q, k, v [t][kDim].
  void (*self_attention)(std::size_t t, const float* q, const float* k, const float* v, float* scores, float* out);
};

}  // namespace unsam
