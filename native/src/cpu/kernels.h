// The table of CPU kernels. Every kernel file is compiled once per instruction set; `kernels_for` (isa.h) hands out the
// table of the best one. Shapes: L = kLanes; a "block" is [rows][L] with one image token per lane (layout.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/layout.h"

namespace unsam {

// Memory that will be read soon. Products fetch it into the cache line by line while they compute: what one pass over
// the image reads of a block comes from memory, and nothing else would ask for it in time.
struct Ahead {
  struct Segment {
    const char* at;
    const char* end;
  };
  Segment segments[3];
};

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
  Ahead* ahead = nullptr;        // null: B itself comes from memory, and is fetched ahead
};

// out[m][n] = sum over blocks and lanes of a[m][lane] * b[n][lane].
template <class T>
struct Dot {
  std::size_t m, n, blocks;
  const T* a;
  std::size_t a_block;  // distance of a's blocks, in elements
  const T* b;
  std::size_t b_block;
  float* out;
  std::size_t ldo;
};
using DotArgs = Dot<float>;

// y = gelu(layer norm over the rows of (scale (x + base_scale base + shift) + skip)), in place: x, base, skip [kUp1][L],
// scales [L], shift, gain and bias [kUp1].
template <class T>
struct UpscaleNorm {
  float* x;
  const T* base;
  const float* base_scale;
  const float* shift;
  const float* scale;
  const T* skip;
  const float* gain;
  const float* bias;
  float eps;
};

// out[mask][L] = sum over rows of hyper[mask][row] * gelu(x[row] + skip[row]); x, skip [kUp0][L], hyper [masks][kUp0].
template <class T>
struct GeluDot {
  const float* x;
  const T* skip;
  const float* hyper;
  std::size_t masks;
  float* out;
  std::size_t ldo;
};

// out [d][L] = softmax over the keys of (sum over c of k[c][key] q[c][query]) times v, for one head of d channels: a query per
// lane, keys and values in blocks of L keys, [d][L] each. Lanes from `queries` on are not needed.
struct Attend {
  std::size_t d, queries, keys;
  const float* q;  // [d][L], scaled
  const float* k;
  std::size_t k_block;  // distance of the blocks, in elements
  const float* v;
  std::size_t v_block;
  float* out;
};

// GemmArgs with bfloat16 operands, summed in float32. B in pairs of rows: [k / 2][L][2]; k even.
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
  Ahead* ahead = nullptr;
};

// c[h t + i][L] = c0 + q[i][16 h ..] * b[16 h ..][L] for each head h: q [t][kInner] as the sum of two bfloat16 numbers
// (its rounding would cost as much accuracy as that of a whole image's products), b in pairs of rows [kInner / 2][L][2];
// c0 as c, or null.
struct ByHeadBf16Args {
  std::size_t t;
  const std::uint16_t* q_high;
  const std::uint16_t* q_low;
  const std::uint16_t* b;
  float* c;
  const float* c0;
  Ahead* ahead;
};

// What a bfloat16 decoder needs besides. Three formats of 16 bits: bfloat16 rows, bfloat16 pairs of rows [rows / 2][L][2]
// (the right-hand side of a product), and rows of float16 (more digits, for numbers that are only added). Rounding is to
// nearest even; what is too large for float16 becomes its largest number. rows even, n a multiple of L.
struct Bfloat16Kernels {
  std::size_t rows;  // gemm works on so many rows at a time, or on a divisor
  double cost;       // of a multiplication, about, where one in float32 costs 1
  void (*gemm)(const GemmBf16Args&);
  void (*by_head)(const ByHeadBf16Args&);
  void (*dot)(const Dot<std::uint16_t>&);  // bfloat16 rows

  void (*to_rows)(std::size_t n, const float* x, std::uint16_t* out);
  void (*from_rows)(std::size_t n, const std::uint16_t* x, float* out);
  void (*split_rows)(std::size_t n, const float* x, std::uint16_t* high, std::uint16_t* low);  // x = high + low, about
  void (*to_pairs)(std::size_t rows, const float* block, std::uint16_t* out);
  void (*from_pairs)(std::size_t rows, const std::uint16_t* pairs, float* block);
  void (*rows_from_pairs)(std::size_t rows, const std::uint16_t* pairs, std::uint16_t* out);
  void (*to_half)(std::size_t n, const float* x, std::uint16_t* out);
  void (*from_half)(std::size_t n, const std::uint16_t* x, float* out);

  // Skip maps in float16; a cheaper GELU polynomial (error 2e-5).
  void (*upscale_norm)(const UpscaleNorm<std::uint16_t>&);
  void (*gelu_dot)(const GeluDot<std::uint16_t>&);
};

struct Kernels {
  const char* name;
  const Bfloat16Kernels* bf16;  // null where the CPU has no bfloat16 dot product

  void (*gemm)(const GemmArgs&);
  void (*dot)(const DotArgs&);

  // Softmax over the t rows of each of `heads` groups, lane by lane, in place: s [heads * t][L]; bias[row] (or null) is
  // added first.
  void (*softmax_tokens)(std::size_t heads, std::size_t t, const float* bias, float* s);
  // For each of `rows` rows: max over the lanes of all blocks, s = exp(s - max), sum. Lanes from `valid` on in the last
  // block get 0.
  void (*softmax_chunk)(std::size_t rows, std::size_t blocks, std::size_t valid, float* s, std::size_t s_block,
                        float* max, float* sum);

  void (*attend)(const Attend&);

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

  void (*upscale_norm)(const UpscaleNorm<float>&);
  void (*gelu_dot)(const GeluDot<float>&);

  // Token side; rows of kDim floats unless said otherwise.
  void (*layer_norm)(std::size_t rows, float* x, const float* gain, const float* bias, float eps);
  void (*add)(std::size_t n, float* x, const float* y);   // x += y
  void (*relu)(std::size_t n, float* x);
  // out [t][kDim] = multi-head attention of q, k, v [t][kDim].
  void (*self_attention)(std::size_t t, const float* q, const float* k, const float* v, float* scores, float* out);
};

}  // namespace unsam
