// The table of the encoder's CPU kernels, compiled once per instruction set like the decoder's (cpu/kernels.h). Maps are
// rows of tokens: a token's channels lie behind each other, rows are padded to a multiple of kPad with zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unsam::encoder {

// Rows of maps and scratch are multiples of it, so that every instruction set may write whole vectors.
inline constexpr std::size_t kPad = 16;
constexpr std::size_t padded(std::size_t n) { return (n + kPad - 1) / kPad * kPad; }

// C[rows][n] = A[rows][depth] B, what an encoder does nearly all the time. B is packed in panels of `panel` columns,
// [panels][b_depth][panel]; the last one is as narrow as whole vectors allow. Rows of C may be written up to padded(n).
template <class T>
struct Product {
  std::size_t rows, n, depth;
  const T* a;
  std::size_t lda;
  const T* b;
  std::size_t b_depth;      // the panels' own depth
  std::size_t b_first = 0;  // their first row that counts
  const float* bias = nullptr;  // [padded(n)]
  float* c;
  std::size_t ldc;
  bool add = false;       // C += A B
  T* hidden = nullptr;    // gelu(C) goes here; C is scratch
  std::size_t ld_hidden = 0;
};

// One block of keys of the attention of some queries, with online softmax (Milakov and Gimelshein 2018): scores to the
// base 2. top and sum [rows] are what is known of each row so far; mixed [rows][ld_mixed] is rescaled where top rises.
template <class T>
struct Softmax {
  std::size_t rows, keys;
  float* scores;  // [rows][ld]; up to padded(keys) of a row may be written
  std::size_t ld;
  float last_bias;  // added to the last key's scores
  T* weights;       // [rows][ld_weights]: 2^(score - top); may be `scores` themselves
  std::size_t ld_weights;
  float* top;
  float* sum;
  float* mixed;  // [rows][ld_mixed], width channels; not read in the first block
  std::size_t ld_mixed, width;
  bool first;
};

// A convolution over lines of positions whose channels lie behind each other: what one row of the kernel covers is one run of
// floats, so that lines serve as the left operand as they lie. Maps carry the zeros around them.
struct Convolution {
  std::size_t lines, rows, n;    // C: lines of `rows` positions with n channels
  std::size_t taps, depth;       // rows of the kernel; floats that one covers: its positions times their channels
  const float* a;                // what the first position's first tap covers
  std::size_t lda, a_line, a_tap;  // floats to the next position, line and tap
  const float* b;                // panels [panels][taps * depth][panel] as a product's
  const float* bias = nullptr;   // [padded(n)]
  float* c;
  std::size_t ldc, c_line;
  bool add = false;   // C += ...
  bool relu = false;  // ... and what is below zero becomes zero
};

// A 3 x 3 convolution at stride 1 with 16 products for 2 x 2 positions in place of 36 (Winograd's F(2 x 2, 3 x 3)). First, 4 x 4 positions
// around each such tile become a row of each of 16 left operands, `plane` floats apart, [tiles][channels]. Neighbouring tiles lie
// beside each other; channels are whole vectors.
struct WinogradInput {
  std::size_t tiles, channels;
  const float* a;  // the position above and left of the first tile
  std::size_t a_line;
  float* out;
  std::size_t plane;
};

// Then 16 products with the transformed weights become the tiles' positions.
struct WinogradOutput {
  std::size_t tiles, channels;
  const float* products;  // [16] `plane` floats apart, [tiles][channels]
  std::size_t plane;
  const float* bias;
  float* c;
  std::size_t c_line;
  bool add, relu;  // as a convolution's
};

// A line of a convolution that mixes positions and not channels. Channels are whole vectors.
struct Depthwise {
  std::size_t positions, channels, kernel;
  const float* a;  // what the first position's first tap covers
  std::size_t lda, a_line;
  const float* weights;  // [kernel][kernel][channels]
  const float* bias;     // [channels]
  float* c;
  std::size_t ldc;
};

// How one precision's operands are made and multiplied. T: float, or bfloat16 (sums, softmax and norms stay float32).
template <class T>
struct Math {
  std::size_t panel;       // columns of a panel
  std::size_t column_step; // the last panel is as narrow as a multiple of it
  std::size_t depth_step;  // panels' depths are multiples of it, filled with zeros; so are A's rows

  void (*product)(const Product<T>&);
  void (*softmax)(const Softmax<T>&);
  // out[row] = (x[row] - mean) / sqrt(variance + eps), and zeros up to the padded width.
  void (*normalise)(std::size_t rows, std::size_t width, const float* const* x, float eps, T* out, std::size_t ld);
  // Row by row, scaled by scale[row] where there is one. Whole vectors are written, with zeros behind the width.
  void (*convert)(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale, T* out,
                  std::size_t ld);
  // The right-hand side of a product with `keys` columns (the product with the transpose of x) ...
  void (*pack_columns)(std::size_t keys, std::size_t width, const float* const* x, T* panels);
  // ... and of one with `width` columns: rows `first` on of panels of depth `depth`.
  void (*pack_rows)(std::size_t keys, std::size_t width, const float* const* x, std::size_t depth, std::size_t first,
                    T* panels);
};

struct Kernels {
  const char* name;
  Math<float> float32;
  Math<std::uint16_t> bfloat16;

  void (*convolve)(const Convolution&);
  void (*winograd_input)(const WinogradInput&);
  void (*winograd_output)(const WinogradOutput&);
  void (*depthwise)(const Depthwise&);
  // gelu(gain (x - mean) / sqrt(variance + eps) + offset) of each row, in place. Whole vectors are written.
  void (*normalise_gelu)(std::size_t rows, std::size_t width, float* x, std::size_t ld, const float* gain, const float* offset,
                         float eps);
  // x = 1 / (1 + exp(-x)).
  void (*sigmoid)(std::size_t n, float* x);
  // out[c] = max of four rows.
  void (*pool)(std::size_t width, const float* const* four, float* out);
  // out[c][i] = x[i][c] for `width` channels and `tokens` tokens.
  void (*transpose)(std::size_t tokens, std::size_t width, const float* x, std::size_t ldx, float* out, std::size_t ldo);
};

template <class T>
const Math<T>& math(const Kernels& k) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return k.float32;
  } else {
    return k.bfloat16;
  }
}

constexpr std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

// The kernels of the instruction set in use (cpu/isa.h).
const Kernels& kernels();

}  // namespace unsam::encoder
