#include "decoder/cpu/image_passes.h"

#include "decoder/cpu/blocks_pass.h"

namespace unsam {
namespace {

// One chunk for one prompt.
template <class Math>
class ChunkPass : public BlocksPass<Math> {
  using Base = BlocksPass<Math>;

 public:
  ChunkPass(const ImagePasses& passes, PromptWork& work, std::size_t chunk, PassScratch& scratch)
      : Base(passes, work, chunk * kChunkBlocks, std::min(kChunkBlocks, passes.image.blocks - chunk * kChunkBlocks), scratch),
        chunk_(chunk) {}

  void attend0() const;
  void attend1() const;
  void attend_final() const;
  void upscale() const;

 private:
  using typename Base::Element;
  using Base::folded_, Base::kernels_, Base::image_, Base::work_, Base::scratch_, Base::math_, Base::start_, Base::blocks_;
  using Base::after, Base::attention, Base::exact, Base::first_norm, Base::inverse1, Base::inverse2, Base::positions;
  using Base::products, Base::second_norm, Base::skip0, Base::skip1, Base::stored, Base::stored_exact, Base::twice;

  // c[h t + i][L] = q[i][16 h ..] * b[16 h ..][L] in float32.
  void exact_by_head(const float* q, const float* b, float* c) const {
    Float32Math(kernels_, scratch_).by_head(work_.tokens, {q}, b, c);
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

  const std::size_t chunk_;
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

    exact_by_head(work_.key, queries.at(b, 0), a1);
    kernels_.softmax_tokens(kHeads, t, nullptr, a1);
    math_.by_head(t, values_twice, p.at(b, 0), linear);
    first_norm(b, a1, linear);

    // Scores of layer 1 from x1 + position.
    float* s = scores + b * columns * kLanes;
    math_.by_head(t, query, p.at(b, kInner), s);
    math_.multiply(columns, columns, Math::of(work_.terms->to_score1), columns, kept, s, s, inverse1(b));
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
  const std::size_t t = work_.is_long ? 0 : work_.tokens, columns = work_.columns;
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

    // A2, the attention of layer 1's image tokens over the prompt tokens, and 2 M y0.
    if (work_.is_long) {
      std::copy_n(work_.image_values.data() + (start_ + b) * kInner * kLanes, kInner * kLanes, a2);
      twice(p.at(b, kInner), linear);
      twice(p.at(b, 2 * kInner), linear + kInner * kLanes);
    } else {
      math_.by_head(t, key, p.at(b, 0), a2);
      math_.multiply(columns, columns, Math::of(work_.terms->to_query1), columns, kept, a2, a2, inverse1(b));
      math_.by_head(t, key, positions(kPositionQuery1).at(b, 0), a2, a2);
      kernels_.softmax_tokens(kHeads, t, work_.query1_shift.data(), a2);
      math_.by_head(t, values_twice, p.at(b, kInner), linear);
      math_.by_head(t, values_twice.from(t), p.at(b, 2 * kInner), linear + columns * kLanes);
    }
    math_.keep(columns, a2, kept + columns * kLanes);
    second_norm(b, a12, linear);

    // Scores of the last attention.
    float* s = scores + b * final_columns * kLanes;
    math_.by_head(tf, query, p.at(b, 3 * kInner), s);
    math_.multiply(final_columns, 2 * columns, Math::of(work_.to_score_final), 2 * columns, kept, s, s, inverse1(b));
    kernels_.scale_rows(final_columns, s, work_.score_shift.data(), inverse2(b), s);
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
      math_.multiply(kUp1, 2 * columns, Math::of(work_.terms->to_upscale) + sub * kUp1 * 2 * columns, 2 * columns, attention(b),
                     level1, nullptr, nullptr);
      math_.upscale_norm({.x = level1,
                          .base = p.at(b, sub * kUp1),
                          .base_scale = inverse1(b),
                          .shift = folded_.upscale_shift.data() + sub * kUp1,
                          .scale = inverse2(b),
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
