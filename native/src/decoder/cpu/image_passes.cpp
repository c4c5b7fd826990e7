#include "decoder/cpu/image_passes.h"

#include "decoder/cpu/block_math.h"

namespace unsam {
namespace {

// One chunk for one prompt, in the precision of Math.
template <class Math>
class ChunkPass {
 public:
  ChunkPass(const ImagePasses& passes, PromptWork& work, std::size_t chunk, PassScratch& scratch)
      : folded_(passes.folded),
        kernels_(passes.kernels),
        image_(passes.image),
        work_(work),
        scratch_(scratch),
        math_(passes.kernels, scratch),
        chunk_(chunk),
        start_(chunk * kChunkBlocks),
        blocks_(std::min(kChunkBlocks, passes.image.blocks - start_)),
        masked_(!work.prompt->mask_logits.empty()) {}

  void attend0() const;
  void attend1() const;
  void attend_final() const;
  void upscale() const;

 private:
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

  // c[h t + i][L] = q[i][16 h ..] * b[16 h ..][L] in float32.
  void exact_by_head(const float* q, const float* b, float* c) const {
    Float32Math(kernels_, scratch_).by_head(work_.tokens, {q}, b, c);
  }

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

  // Softmax of scores [blocks][rows][L] over the chunk's image tokens.
  void softmax(std::size_t rows, float* scores) const {
    const std::size_t last = start_ + blocks_ - 1, valid = std::min(kLanes, image_.tokens - last * kLanes);
    Partials& out = work_.partials;
    kernels_.softmax_chunk(rows, blocks_, valid, scores, rows * kLanes, out.max.data() + chunk_ * rows,
                           out.sum.data() + chunk_ * rows);
  }
  void scale_scores(std::size_t rows, float* scores, const Buffer<float>& scale) const {
    for (std::size_t b = 0; b < blocks_; ++b) {
      float* s = scores + b * rows * kLanes;
      kernels_.scale_rows(rows, s, nullptr, scale.data() + (start_ + b) * kLanes, s);
    }
  }
  // out[h t + i][16] = sum over lanes of weights[h t + i] times the values of head h.
  void head_values(std::size_t t, const float* scores, RowsView<Element> values, float* out, std::size_t width) const {
    const RowsView<Element> weights = math_.weights(kHeads * t, blocks_, scores);
    for (std::size_t h = 0; h < kHeads; ++h) {
      math_.dot(t, kHeadDim, blocks_, weights.from(h * t), values.from(h * kHeadDim), out + h * t * width, width);
    }
  }

  const Folded& folded_;
  const Kernels& kernels_;
  const PreparedImage& image_;
  PromptWork& work_;
  PassScratch& scratch_;
  const Math math_;
  const std::size_t chunk_, start_, blocks_;
  const bool masked_;
};

template <class Math>
void ChunkPass<Math>::attend0() const {
  const std::size_t columns = work_.columns;
  const RowsView<float> keys = exact(kKey0);
  float* scores = scratch_.scores.data();
  for (std::size_t b = 0; b < blocks_; ++b) {
    scratch_.ahead = {{after(b, stored_exact(kKey0), kInner), after(b, stored(kValue0), kInner)}};
    exact_by_head(work_.query, keys.at(b, 0), scores + b * columns * kLanes);
  }
  softmax(columns, scores);
  head_values(work_.tokens, scores, products(kValue0, kInner),
              work_.partials.values.data() + chunk_ * columns * kHeadDim, kHeadDim);
}

template <class Math>
void ChunkPass<Math>::attend1() const {
  const std::size_t t = work_.tokens, columns = work_.columns;
  const RowsView<float> queries = exact(kQuery0);
  const RowsView<Element> p = products(kNorm1, 3 * kInner);  // norm1, key1, value1
  const auto values_twice = math_.tokens(t, work_.value_twice.data(), 0);
  const auto query = math_.tokens(t, work_.query, t);
  float* scores = scratch_.scores.data();
  float* linear = scratch_.rows.data();
  for (std::size_t b = 0; b < blocks_; ++b) {
    scratch_.ahead = {{after(b, stored_exact(kQuery0), kInner), after(b, stored(kNorm1), 3 * kInner),
                       after(b, positions(kPositionKey1), kInner)}};
    Element* kept = attention(b);
    float* a1 = math_.opened(kept);
    float* inverse = work_.inverse1.data() + (start_ + b) * kLanes;

    exact_by_head(work_.key, queries.at(b, 0), a1);
    kernels_.softmax_tokens(kHeads, t, nullptr, a1);

    // |r1|^2 = |x~|^2 + A1 . (2 M1 x~ + M1 M1^T A1)
    std::copy_n(norms(b), kLanes, inverse);
    math_.by_head(t, values_twice, p.at(b, 0), linear);
    math_.keep(columns, a1, kept);
    add_quadratic(columns, work_.gram1, a1, kept, linear, nullptr, inverse);
    kernels_.inverse_std(1e-5f, inverse);
    kernels_.scale_rows(columns, a1, nullptr, inverse, a1);
    math_.keep(columns, a1, kept);

    // Scores of layer 1 from x1 + position.
    float* s = scores + b * columns * kLanes;
    math_.by_head(t, query, p.at(b, kInner), s);
    math_.multiply(columns, columns, Math::of(work_.to_score1), columns, kept, s, s, inverse);
    math_.by_head(t, query, positions(kPositionKey1).at(b, 0), s, s);
  }
  const std::size_t width = kHeadDim + columns;
  float* values = work_.partials.values.data() + chunk_ * columns * width;
  softmax(columns, scores);
  const auto a1 = math_.lanes(columns, blocks_, {attention(0), 2 * columns * kLanes});
  math_.dot(columns, columns, blocks_, math_.weights(columns, blocks_, scores), a1, values + kHeadDim, width);
  scale_scores(columns, scores, work_.inverse1);
  head_values(t, scores, p.from(2 * kInner), values, width);
}

template <class Math>
void ChunkPass<Math>::attend_final() const {
  const std::size_t t = work_.tokens, columns = work_.columns;
  const std::size_t tf = work_.final_tokens.size(), final_columns = work_.final_columns;
  const RowsView<Element> p = products(kQuery1, 5 * kInner);  // query1, norm2a, norm2b, keys, values
  const auto key = math_.tokens(t, work_.key, 0);
  const auto values_twice = math_.tokens(2 * t, work_.value_twice.data(), t);
  const auto query = math_.tokens(tf, work_.final_query.data(), 3 * t);
  float* scores = scratch_.scores.data();
  float* linear = scratch_.rows.data();
  for (std::size_t b = 0; b < blocks_; ++b) {
    scratch_.ahead = {{after(b, stored(kQuery1), 5 * kInner), after(b, positions(kPositionQuery1), 2 * kInner)}};
    Element* kept = attention(b);
    float* a12 = math_.loaded(columns, kept);
    float* a2 = a12 + columns * kLanes;
    const float* inverse1 = work_.inverse1.data() + (start_ + b) * kLanes;
    float* inverse2 = work_.inverse2.data() + (start_ + b) * kLanes;

    // A2, the attention of layer 1's image tokens over the prompt tokens.
    math_.by_head(t, key, p.at(b, 0), a2);
    math_.multiply(columns, columns, Math::of(work_.to_query1), columns, kept, a2, a2, inverse1);
    math_.by_head(t, key, positions(kPositionQuery1).at(b, 0), a2, a2);
    kernels_.softmax_tokens(kHeads, t, work_.query1_shift.data(), a2);
    math_.keep(columns, a2, kept + columns * kLanes);

    // |r2|^2 with a = (A1 / sigma1, A2): |y0|^2 / sigma1^2 + 2 y0 . beta / sigma1 + |beta|^2
    //   + a . (2 M y0 / sigma1 + 2 M beta + M M^T a)
    const float* known = norms(b);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float i = inverse1[lane];
      inverse2[lane] = i * (i * known[kLanes + lane] + 2.0f * known[2 * kLanes + lane]) + folded_.beta_square;
    }
    kernels_.gemm({1, 2 * columns, work_.linear12.data(), 2 * columns, a12, inverse2, kLanes, inverse2, kLanes, nullptr});
    math_.by_head(t, values_twice, p.at(b, kInner), linear);
    math_.by_head(t, values_twice.from(t), p.at(b, 2 * kInner), linear + columns * kLanes);
    add_quadratic(2 * columns, work_.gram12, a12, kept, linear, inverse1, inverse2);
    kernels_.inverse_std(1e-5f, inverse2);

    // Scores of the last attention.
    float* s = scores + b * final_columns * kLanes;
    math_.by_head(tf, query, p.at(b, 3 * kInner), s);
    math_.multiply(final_columns, 2 * columns, Math::of(work_.to_score_final), 2 * columns, kept, s, s, inverse1);
    kernels_.scale_rows(final_columns, s, work_.score_shift.data(), inverse2, s);
    math_.by_head(tf, query, positions(kPositionKeyFinal).at(b, 0), s, s);
  }
  const std::size_t width = kHeadDim + 2 * columns + 1;
  float* values = work_.partials.values.data() + chunk_ * final_columns * width;
  softmax(final_columns, scores);
  scale_scores(final_columns, scores, work_.inverse2);
  float* ones = scratch_.small.data();
  std::fill_n(ones, kLanes, 1.0f);
  const auto a12 = math_.lanes(2 * columns, blocks_, {attention(0), 2 * columns * kLanes});
  math_.dot(final_columns, 2 * columns, blocks_, math_.weights(final_columns, blocks_, scores), a12, values + kHeadDim, width);
  kernels_.dot({final_columns, 1, blocks_, scores, final_columns * kLanes, ones, 0, values + kHeadDim + 2 * columns, width});
  scale_scores(final_columns, scores, work_.inverse1);
  head_values(tf, scores, p.from(4 * kInner), values, width);
}

template <class Math>
void ChunkPass<Math>::upscale() const {
  const std::size_t columns = work_.columns, masks = work_.mask_tokens.size(), side = image_.side, low = 4 * side;
  const RowsView<Element> p = products(kUpscale, 4 * kUp1);
  float* level1 = scratch_.upscaled.data();
  float* level0 = level1 + kUp1 * kLanes;
  float* logits = level0 + kUp0 * kLanes;  // [masks][16][L]
  for (std::size_t b = 0; b < blocks_; ++b) {
    const std::size_t block = start_ + b;
    scratch_.ahead = {{after(b, stored(kUpscale), 4 * kUp1), after(b, skip1(), 4 * kUp1), after(b, skip0(), 16 * kUp0)}};
    for (std::size_t sub = 0; sub < 4; ++sub) {
      math_.multiply(kUp1, 2 * columns, Math::of(work_.to_upscale) + sub * kUp1 * 2 * columns, 2 * columns, attention(b),
                     level1, nullptr, nullptr);
      math_.upscale_norm({.x = level1,
                          .base = p.at(b, sub * kUp1),
                          .base_scale = work_.inverse1.data() + block * kLanes,
                          .shift = folded_.upscale_shift.data() + sub * kUp1,
                          .scale = work_.inverse2.data() + block * kLanes,
                          .skip = skip1().at(b, sub * kUp1),
                          .gain = folded_.upscale_norm.gain.data(),
                          .bias = folded_.upscale_norm.bias.data(),
                          .eps = 1e-6f});
      const Element* operand = math_.level1(level1);
      for (std::size_t sub0 = 0; sub0 < 4; ++sub0) {
        math_.multiply(kUp0, kUp1, Math::upscale1(folded_) + sub0 * kUp0 * kUp1, kUp1, operand, level0, nullptr, nullptr);
        math_.gelu_dot({.x = level0,
                        .skip = skip0().at(b, (sub * 4 + sub0) * kUp0),
                        .hyper = work_.hyper.data(),
                        .masks = masks,
                        .out = logits + (sub * 4 + sub0) * kLanes,
                        .ldo = 16 * kLanes});
      }
    }
    for (std::size_t lane = 0; lane < std::min(kLanes, image_.tokens - block * kLanes); ++lane) {
      const std::size_t ty = (block * kLanes + lane) / side, tx = (block * kLanes + lane) % side;
      for (std::size_t mask = 0; mask < masks; ++mask) {
        float* out = work_.masks.data() + mask * low * low;
        for (std::size_t i = 0; i < 16; ++i) {
          const std::size_t y = 4 * ty + 2 * (i / 8) + (i % 4) / 2, x = 4 * tx + 2 * (i / 4 % 2) + i % 2;
          out[y * low + x] = logits[(mask * 16 + i) * kLanes + lane];
        }
      }
    }
  }
}

// pass(chunk) in the decoder's precision.
template <class Pass>
void in_precision(const ImagePasses& passes, PromptWork& work, std::size_t chunk, PassScratch& scratch, Pass pass) {
  if (passes.bf16) {
    pass(ChunkPass<Bfloat16Math>(passes, work, chunk, scratch));
  } else {
    pass(ChunkPass<Float32Math>(passes, work, chunk, scratch));
  }
}

}  // namespace

void PassScratch::reserve(std::size_t columns, std::size_t masks, bool bf16) {
  exact.reserve(kChunkBlocks * kInner * kLanes);
  scores.reserve(kChunkBlocks * columns * kLanes);
  rows.reserve(2 * columns * kLanes);
  small.reserve(kLanes);
  upscaled.reserve((kUp1 + kUp0 + 16 * masks) * kLanes);
  if (!bf16) {
    products.reserve(kChunkBlocks * 5 * kInner * kLanes);
    return;
  }
  attention.reserve(2 * columns * kLanes);
  widened.reserve(5 * kInner * kLanes);
  rounded_products.reserve(kChunkBlocks * 5 * kInner * kLanes);
  tokens.reserve(8 * columns / kHeads * kInner);
  weights.reserve(kChunkBlocks * columns * kLanes);
  lanes.reserve(kChunkBlocks * 2 * columns * kLanes);
  level1.reserve(kUp1 * kLanes);
}

void ImagePasses::attend0(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  in_precision(*this, work, chunk, scratch, [](const auto& pass) { pass.attend0(); });
}

void ImagePasses::attend1(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  in_precision(*this, work, chunk, scratch, [](const auto& pass) { pass.attend1(); });
}

void ImagePasses::attend_final(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  in_precision(*this, work, chunk, scratch, [](const auto& pass) { pass.attend_final(); });
}

void ImagePasses::upscale(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  in_precision(*this, work, chunk, scratch, [](const auto& pass) { pass.upscale(); });
}

}  // namespace unsam
