// Arithmetic with blocks of image tokens in the decoder's two precisions. Both classes offer the same operations; the
// passes over the image (image_passes.cpp) are written once for both.
//
// Element: what rows over the image tokens, and the small matrices they are multiplied with, are stored as. Sums, softmax
// and norms are float32 in either precision.
#pragma once

#include <algorithm>

#include "cpu/kernels.h"
#include "decoder/cpu/pass_scratch.h"
#include "decoder/cpu/prompt_work.h"

namespace unsam {

// Rows [rows][L] of consecutive blocks, `block` elements apart.
template <class T>
struct RowsView {
  const T* base;
  std::size_t block;
  const T* at(std::size_t b, std::size_t row) const { return base + b * block + row * kLanes; }
  RowsView from(std::size_t row) const { return {base + row * kLanes, block}; }
};

class Float32Math {
 public:
  using Element = float;
  // Rows that share one start column in add_quadratic: few wasted products, full register tiles.
  static constexpr std::size_t quadratic_rows() { return 12; }

  Float32Math(const Kernels& kernels, PassScratch& scratch) : kernels_(kernels), ahead_(scratch.ahead) {}

  static const float* of(const ImageRows& rows) { return rows.f32.data(); }
  static float* of(ImageRows& rows) { return rows.f32.data(); }
  static const float* of(const Operand& o) { return o.f32.data(); }

  // Token rows [rows][kInner] as an operand of by_head; `slot` counts the rows made before in the same pass.
  struct Tokens {
    const float* q;
    Tokens from(std::size_t row) const { return {q + row * kInner}; }
  };
  static Tokens tokens(std::size_t, const float* q, std::size_t) { return {q}; }

  // c[m][L] = scale * c0 + a[m][k] * b[k][L].
  void multiply(std::size_t m, std::size_t k, const float* a, std::size_t lda, const float* b, float* c, const float* c0,
                const float* scale) const {
    kernels_.gemm({m, k, a, lda, b, c, kLanes, c0, kLanes, scale, &ahead_});
  }

  // c[h t + i][L] = c0 + q[i][16 h ..] * b[16 h ..][L] for each head h.
  void by_head(std::size_t t, Tokens q, const float* b, float* c, const float* c0 = nullptr) const {
    for (std::size_t h = 0; h < kHeads; ++h) {
      const std::size_t row = h * t * kLanes;
      kernels_.gemm({t, kHeadDim, q.q + h * kHeadDim, kInner, b + h * kHeadDim * kLanes, c + row, kLanes,
                     c0 == nullptr ? nullptr : c0 + row, kLanes, nullptr, &ahead_});
    }
  }

  // Attention of a block is computed in float32: where it is kept, or beside it.
  static float* opened(float* kept) { return kept; }
  static float* loaded(std::size_t, float* kept) { return kept; }
  static void keep(std::size_t, const float*, float*) {}

  // Rows of a block as they are kept, pairs and plain ones, in float32: where they are, or written to `out`.
  static const float* floats(std::size_t, const float* kept, float*) { return kept; }
  static const float* plain_floats(std::size_t, const float* kept, float*) { return kept; }

  // Rows as operands of a sum over the lanes of a chunk.
  static RowsView<float> weights(std::size_t m, std::size_t, const float* scores) { return {scores, m * kLanes}; }
  static RowsView<float> lanes(std::size_t, std::size_t, RowsView<float> kept) { return kept; }
  void dot(std::size_t m, std::size_t n, std::size_t blocks, RowsView<float> a, RowsView<float> b, float* out,
           std::size_t ldo) const {
    kernels_.dot({m, n, blocks, a.base, a.block, b.base, b.block, out, ldo});
  }

  void upscale_norm(const UpscaleNorm<float>& u) const { kernels_.upscale_norm(u); }
  static const float* level1(const float* x) { return x; }
  static const float* upscale1(const Folded& folded) { return folded.upscale1.data(); }
  void gelu_dot(const GeluDot<float>& g) const { kernels_.gelu_dot(g); }

 private:
  const Kernels& kernels_;
  Ahead& ahead_;
};

class Bfloat16Math {
 public:
  using Element = std::uint16_t;
  std::size_t quadratic_rows() const { return bf16_.rows; }

  Bfloat16Math(const Kernels& kernels, PassScratch& scratch) : bf16_(*kernels.bf16), scratch_(scratch) {}

  static const Element* of(const ImageRows& rows) { return rows.half.data(); }
  static Element* of(ImageRows& rows) { return rows.half.data(); }
  static const Element* of(const Operand& o) { return o.bf16.data(); }

  struct Tokens {
    const Element *high, *low;
    Tokens from(std::size_t row) const { return {high + row * kInner, low + row * kInner}; }
  };
  Tokens tokens(std::size_t rows, const float* q, std::size_t slot) const {
    Element* high = scratch_.tokens.data() + 2 * slot * kInner;
    Element* low = high + rows * kInner;
    bf16_.split_rows(rows * kInner, q, high, low);
    return {high, low};
  }

  void multiply(std::size_t m, std::size_t k, const Element* a, std::size_t lda, const Element* b, float* c,
                const float* c0, const float* scale) const {
    bf16_.gemm({m, k, a, lda, b, c, kLanes, c0, kLanes, scale, &scratch_.ahead});
  }

  void by_head(std::size_t t, Tokens q, const Element* b, float* c, const float* c0 = nullptr) const {
    bf16_.by_head({t, q.high, q.low, b, c, c0, &scratch_.ahead});
  }

  float* opened(Element*) const { return scratch_.attention.data(); }
  float* loaded(std::size_t rows, const Element* kept) const {
    bf16_.from_pairs(rows, kept, scratch_.attention.data());
    return scratch_.attention.data();
  }
  void keep(std::size_t rows, const float* block, Element* kept) const { bf16_.to_pairs(rows, block, kept); }

  const float* floats(std::size_t rows, const Element* kept, float* out) const {
    bf16_.from_pairs(rows, kept, out);
    return out;
  }
  const float* plain_floats(std::size_t rows, const Element* kept, float* out) const {
    bf16_.from_rows(rows * kLanes, kept, out);
    return out;
  }

  RowsView<Element> weights(std::size_t m, std::size_t blocks, const float* scores) const {
    bf16_.to_rows(blocks * m * kLanes, scores, scratch_.weights.data());
    return {scratch_.weights.data(), m * kLanes};
  }
  RowsView<Element> lanes(std::size_t rows, std::size_t blocks, RowsView<Element> kept) const {
    Element* out = scratch_.lanes.data();
    for (std::size_t b = 0; b < blocks; ++b) bf16_.rows_from_pairs(rows, kept.at(b, 0), out + b * rows * kLanes);
    return {out, rows * kLanes};
  }
  void dot(std::size_t m, std::size_t n, std::size_t blocks, RowsView<Element> a, RowsView<Element> b, float* out,
           std::size_t ldo) const {
    bf16_.dot({m, n, blocks, a.base, a.block, b.base, b.block, out, ldo});
  }

  void upscale_norm(const UpscaleNorm<Element>& u) const { bf16_.upscale_norm(u); }
  const Element* level1(const float* x) const {
    bf16_.to_pairs(kUp1, x, scratch_.level1.data());
    return scratch_.level1.data();
  }
  static const Element* upscale1(const Folded& folded) { return folded.upscale1_bf16.data(); }
  void gelu_dot(const GeluDot<Element>& g) const { bf16_.gelu_dot(g); }

 private:
  const Bfloat16Kernels& bf16_;
  PassScratch& scratch_;
};

}  // namespace unsam
