// What all passes over the image tokens share: one prompt on a few consecutive blocks, in the precision of Math.
#pragma once

#include "decoder/cpu/block_math.h"
#include "decoder/cpu/image_passes.h"

namespace unsam {

template <class Math>
class BlocksPass {
 public:
  BlocksPass(const ImagePasses& passes, PromptWork& work, std::size_t first, std::size_t blocks, PassScratch& scratch)
      : folded_(passes.folded),
        kernels_(passes.kernels),
        image_(passes.image),
        work_(work),
        scratch_(scratch),
        math_(passes.kernels, scratch),
        start_(first),
        blocks_(blocks),
        masked_(!work.prompt->mask_logits.empty()) {}

 protected:
  using Element = typename Math::Element;
  static constexpr bool kRounds = !std::is_same_v<Element, float>;

  // What is kept of the image, from the chunk's first block on.
  RowsView<float> stored_exact(std::size_t set) const {
    return view(image_.products.f32.data(), kRounds ? kExactRows : kProductRows, kRounds ? exact_row(set) : set);
  }
  RowsView<Element> stored(std::size_t set) const {
    return view(Math::of(image_.products), kRounds ? kRoundedRows : kProductRows, kRounds ? rounded_row(set) : set);
  }
  RowsView<Element> positions(std::size_t set) const { return view(Math::of(image_.position->values), kPositionRows, set); }
  RowsView<Element> skip1() const { return view(Math::of(image_.high_res_1), 4 * kUp1, 0); }
  RowsView<Element> skip0() const { return view(Math::of(image_.high_res_0), 16 * kUp0, 0); }
  template <class T>
  RowsView<T> view(const T* rows, std::size_t block_rows, std::size_t row) const {
    return {rows + (start_ * block_rows + row) * kLanes, block_rows * kLanes};
  }

  // Memory of `rows` rows in the block that comes after b.
  template <class T>
  Ahead::Segment after(std::size_t b, RowsView<T> view, std::size_t rows) const {
    const std::size_t next = b + 1 < blocks_ ? b + 1 : scratch_.next_chunk * kChunkBlocks - start_;
    if (masked_ || start_ + next >= image_.blocks) return {};
    return {reinterpret_cast<const char*>(view.at(next, 0)), reinterpret_cast<const char*>(view.at(next, rows))};
  }

  // The products with a mask prompt's share added: a set that is float32 in either precision, or rows
  // [first, first + rows) of the others.
  RowsView<float> exact(std::size_t set) const {
    return masked_ ? with_mask(set, kInner, stored_exact(set), scratch_.exact.data()) : stored_exact(set);
  }
  RowsView<Element> products(std::size_t first, std::size_t rows) const {
    if (!masked_) return stored(first);
    if constexpr (kRounds) {
      float* sum = scratch_.widened.data();
      Element* out = scratch_.rounded_products.data();
      for (std::size_t b = 0; b < blocks_; ++b) {
        widen_products(*kernels_.bf16, first, rows, stored(first).at(b, 0), sum);
        add_mask(first, rows, b, sum, sum);
        round_products(*kernels_.bf16, first, rows, sum, out + b * rows * kLanes);
      }
      return {out, rows * kLanes};
    } else {
      return with_mask(first, rows, stored(first), scratch_.products.data());
    }
  }
  RowsView<float> with_mask(std::size_t first, std::size_t rows, RowsView<float> from, float* out) const {
    for (std::size_t b = 0; b < blocks_; ++b) add_mask(first, rows, b, from.at(b, 0), out + b * rows * kLanes);
    return {out, rows * kLanes};
  }
  void add_mask(std::size_t first, std::size_t rows, std::size_t b, const float* c0, float* c) const {
    kernels_.gemm({.m = rows,
                   .k = kMaskChannels + 1,
                   .a = folded_.mask_products.data() + first * (kMaskChannels + 1),
                   .lda = kMaskChannels + 1,
                   .b = work_.mask_features.data() + (start_ + b) * (kMaskChannels + 1) * kLanes,
                   .c = c,
                   .ldc = kLanes,
                   .c0 = c0,
                   .ld0 = kLanes});
  }

  const float* norms(std::size_t b) const {
    return (masked_ ? work_.mask_norms : image_.norms).data() + (start_ + b) * 3 * kLanes;
  }
  Element* attention(std::size_t b) const { return Math::of(work_.attention) + (start_ + b) * 2 * work_.columns * kLanes; }

  // norm[L] += a . (scale * linear + G a) for the symmetric G given as upper triangle with doubled off-diagonal.
  // linear [n][L] is overwritten; a [n][L], and as it is kept.
  void add_quadratic(std::size_t n, const Operand& g, const float* a, const Element* kept, float* linear,
                     const float* scale, float* norm) const {
    const std::size_t step = math_.quadratic_rows();
    for (std::size_t row = 0; row < n; row += step) {
      float* out = linear + row * kLanes;
      math_.multiply(std::min(step, n - row), n - row, Math::of(g) + row * n + row, n, kept + row * kLanes, out, out, scale);
    }
    kernels_.add_products(n, a, linear, norm);
  }

  // kInner rows of products as 2 x, in float32.
  void twice(const Element* rows, float* out) const {
    float two[kLanes];
    std::fill_n(two, kLanes, 2.0f);
    kernels_.scale_rows(kInner, math_.floats(kInner, rows, out), nullptr, two, out);
  }

  float* inverse1(std::size_t b) const { return work_.inverse1.data() + (start_ + b) * kLanes; }
  float* inverse2(std::size_t b) const { return work_.inverse2.data() + (start_ + b) * kLanes; }

  // Norm of layer 0 in block b: |r1|^2 = |x~|^2 + a . (linear + M1 M1^T a) for the first term a [C][L], which is divided by
  // sigma1 and kept; linear = 2 M1 x~ is overwritten.
  void first_norm(std::size_t b, float* a, float* linear) const {
    const std::size_t columns = work_.columns;
    Element* kept = attention(b);
    float* inverse = inverse1(b);
    std::copy_n(norms(b), kLanes, inverse);
    math_.keep(columns, a, kept);
    add_quadratic(columns, work_.terms->gram1, a, kept, linear, nullptr, inverse);
    kernels_.inverse_std(1e-5f, inverse);
    kernels_.scale_rows(columns, a, nullptr, inverse, a);
    math_.keep(columns, a, kept);
  }

  // Norm of layer 1 from both terms a [2C][L], kept already: |r2|^2 = |y0|^2 / sigma1^2 + 2 y0 . beta / sigma1 + |beta|^2
  //   + a . (2 M y0 / sigma1 + 2 M beta + M M^T a); linear = 2 M y0 is overwritten.
  void second_norm(std::size_t b, const float* a, float* linear) const {
    const std::size_t columns = work_.columns;
    const TermMatrices& terms = *work_.terms;
    const float *known = norms(b), *first = inverse1(b);
    float* inverse = inverse2(b);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float i = first[lane];
      inverse[lane] = i * (i * known[kLanes + lane] + 2.0f * known[2 * kLanes + lane]) + folded_.beta_square;
    }
    kernels_.gemm({1, 2 * columns, terms.linear12.data(), 2 * columns, a, inverse, kLanes, inverse, kLanes, nullptr});
    add_quadratic(2 * columns, terms.gram12, a, attention(b), linear, first, inverse);
    kernels_.inverse_std(1e-5f, inverse);
  }

  const Folded& folded_;
  const Kernels& kernels_;
  const PreparedImage& image_;
  PromptWork& work_;
  PassScratch& scratch_;
  const Math math_;
  const std::size_t start_, blocks_;
  const bool masked_;
};

}  // namespace unsam
