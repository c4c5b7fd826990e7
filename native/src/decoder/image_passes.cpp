#include "decoder/image_passes.h"

namespace unsam {

void PassScratch::reserve(std::size_t max_columns, std::size_t max_masks) {
  products.reserve(kChunkBlocks * 5 * kInner * kLanes);
  scores.reserve(kChunkBlocks * max_columns * kLanes);
  rows.reserve(2 * max_columns * kLanes);
  small.reserve(8 * kLanes);
  packed.reserve(kUp1 * kLanes);
  upscaled.reserve((kUp1 + kUp0 + 16 * max_masks) * kLanes);
}

std::size_t ImagePasses::blocks_of(std::size_t chunk) const {
  return std::min(kChunkBlocks, image.blocks - chunk * kChunkBlocks);
}

std::size_t ImagePasses::valid_of(std::size_t chunk) const {
  const std::size_t last = chunk * kChunkBlocks + blocks_of(chunk) - 1;
  return std::min(kLanes, image.tokens - last * kLanes);
}

const float* ImagePasses::norms(const PromptWork& work, std::size_t block) const {
  const bool masked = !work.prompt->mask_logits.empty();
  return (masked ? work.mask_norms : image.norms).data() + block * 3 * kLanes;
}

ImagePasses::Products ImagePasses::products(const PromptWork& work, std::size_t chunk, std::size_t first,
                                            std::size_t rows, PassScratch& scratch) const {
  const std::size_t start = chunk * kChunkBlocks;
  const float* base = image.products.data() + start * kProductRows * kLanes + first * kLanes;
  if (work.prompt->mask_logits.empty()) return {base, kProductRows * kLanes};
  for (std::size_t b = 0; b < blocks_of(chunk); ++b) {
    math.kernels.gemm({.m = rows,
                       .k = kMaskChannels + 1,
                       .a = folded.mask_products.data() + first * (kMaskChannels + 1),
                       .lda = kMaskChannels + 1,
                       .b = work.mask_features.data() + (start + b) * (kMaskChannels + 1) * kLanes,
                       .c = scratch.products.data() + b * rows * kLanes,
                       .ldc = kLanes,
                       .c0 = base + b * kProductRows * kLanes,
                       .ld0 = kLanes});
  }
  return {scratch.products.data(), rows * kLanes};
}

void ImagePasses::attend0(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  const std::size_t t = work.tokens, columns = work.columns, blocks = blocks_of(chunk);
  const Products p = products(work, chunk, kKey0, 2 * kInner, scratch);
  float* scores = scratch.scores.data();
  for (std::size_t b = 0; b < blocks; ++b) {
    math.by_head(t, work.query, p.at(b, 0), scores + b * columns * kLanes);
  }
  Partials& out = work.partials;
  math.kernels.softmax_chunk(columns, blocks, valid_of(chunk), scores, columns * kLanes, out.max.data() + chunk * columns,
                             out.sum.data() + chunk * columns);
  for (std::size_t h = 0; h < kHeads; ++h) {
    math.kernels.dot({t, kHeadDim, blocks, scores + h * t * kLanes, columns * kLanes, p.at(0, kInner + h * kHeadDim),
                      p.block, out.values.data() + (chunk * columns + h * t) * kHeadDim, kHeadDim});
  }
}

void ImagePasses::attend1(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  const std::size_t t = work.tokens, columns = work.columns, blocks = blocks_of(chunk);
  const std::size_t start = chunk * kChunkBlocks;
  const Products p = products(work, chunk, kQuery0, 4 * kInner, scratch);  // query0, norm1, key1, value1
  float* scores = scratch.scores.data();
  float* linear = scratch.rows.data();
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t block = start + b;
    float* a1 = work.attention.data() + block * 2 * columns * kLanes;
    std::uint16_t* a1_bf16 = math.bf16 ? work.attention_bf16.data() + block * 2 * columns * kLanes : nullptr;
    float* inverse = work.inverse1.data() + block * kLanes;

    math.by_head(t, work.key, p.at(b, 0), a1);
    math.kernels.softmax_tokens(kHeads, t, nullptr, a1);

    // |r1|^2 = |x~|^2 + A1 . (2 M1 x~ + M1 M1^T A1)
    std::copy_n(norms(work, block), kLanes, inverse);
    math.by_head(t, work.value_twice.data(), p.at(b, kInner), linear);
    if (math.bf16) math.kernels.pack_bf16(columns, a1, a1_bf16);
    math.add_quadratic(columns, work.gram1, {a1, a1_bf16}, linear, nullptr, inverse);
    math.kernels.inverse_std(1e-5f, inverse);
    math.kernels.scale_rows(columns, a1, nullptr, inverse, a1);
    if (math.bf16) math.kernels.pack_bf16(columns, a1, a1_bf16);

    // Scores of layer 1 from x1 + position.
    float* s = scores + b * columns * kLanes;
    math.by_head(t, work.query, p.at(b, 2 * kInner), s);
    math.multiply(columns, columns, work.to_score1, 0, columns, {a1, a1_bf16}, s, s, inverse);
    math.by_head(t, work.query,
                 image.position->values.data() + (block * kPositionRows + kPositionKey1) * kLanes, s, s);
  }
  Partials& out = work.partials;
  const std::size_t width = kHeadDim + columns;
  float* values = out.values.data() + chunk * columns * width;
  math.kernels.softmax_chunk(columns, blocks, valid_of(chunk), scores, columns * kLanes, out.max.data() + chunk * columns,
                             out.sum.data() + chunk * columns);
  math.kernels.dot({columns, columns, blocks, scores, columns * kLanes,
                    work.attention.data() + start * 2 * columns * kLanes, 2 * columns * kLanes, values + kHeadDim, width});
  for (std::size_t b = 0; b < blocks; ++b) {
    float* s = scores + b * columns * kLanes;
    math.kernels.scale_rows(columns, s, nullptr, work.inverse1.data() + (start + b) * kLanes, s);
  }
  for (std::size_t h = 0; h < kHeads; ++h) {
    math.kernels.dot({t, kHeadDim, blocks, scores + h * t * kLanes, columns * kLanes,
                      p.at(0, 3 * kInner + h * kHeadDim), p.block, values + h * t * width, width});
  }
}

void ImagePasses::attend_final(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  const std::size_t t = work.tokens, columns = work.columns, blocks = blocks_of(chunk);
  const std::size_t tf = work.final_tokens.size(), final_columns = work.final_columns;
  const std::size_t start = chunk * kChunkBlocks;
  const Products p = products(work, chunk, kQuery1, 5 * kInner, scratch);  // query1, norm2a, norm2b, keys, values
  float* scores = scratch.scores.data();
  float* linear = scratch.rows.data();
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t block = start + b;
    float* a12 = work.attention.data() + block * 2 * columns * kLanes;
    std::uint16_t* a12_bf16 = math.bf16 ? work.attention_bf16.data() + block * 2 * columns * kLanes : nullptr;
    float* a2 = a12 + columns * kLanes;
    const float* inverse1 = work.inverse1.data() + block * kLanes;
    float* inverse2 = work.inverse2.data() + block * kLanes;
    const float* position = image.position->values.data() + block * kPositionRows * kLanes;

    // A2, the attention of layer 1's image tokens over the prompt tokens.
    math.by_head(t, work.key, p.at(b, 0), a2);
    math.multiply(columns, columns, work.to_query1, 0, columns, {a12, a12_bf16}, a2, a2, inverse1);
    math.by_head(t, work.key, position + kPositionQuery1 * kLanes, a2, a2);
    math.kernels.softmax_tokens(kHeads, t, work.query1_shift.data(), a2);
    if (math.bf16) math.kernels.pack_bf16(columns, a2, a12_bf16 + columns * kLanes);

    // |r2|^2 with a = (A1 / sigma1, A2): |y0|^2 / sigma1^2 + 2 y0 . beta / sigma1 + |beta|^2
    //   + a . (2 M y0 / sigma1 + 2 M beta + M M^T a)
    const float* known = norms(work, block);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float i = inverse1[lane];
      inverse2[lane] = i * (i * known[kLanes + lane] + 2.0f * known[2 * kLanes + lane]) + folded.beta_square;
    }
    math.kernels.gemm({1, 2 * columns, work.linear12.data(), 2 * columns, a12, inverse2, kLanes, inverse2, kLanes, nullptr});
    math.by_head(t, work.value_twice.data(), p.at(b, kInner), linear);
    math.by_head(t, work.value_twice.data() + t * kInner, p.at(b, 2 * kInner), linear + columns * kLanes);
    math.add_quadratic(2 * columns, work.gram12, {a12, a12_bf16}, linear, inverse1, inverse2);
    math.kernels.inverse_std(1e-5f, inverse2);

    // Scores of the last attention.
    float* s = scores + b * final_columns * kLanes;
    const float* query = work.final_query.data();
    math.by_head(tf, query, p.at(b, 3 * kInner), s);
    math.multiply(final_columns, 2 * columns, work.to_score_final, 0, 2 * columns, {a12, a12_bf16}, s, s, inverse1);
    math.kernels.scale_rows(final_columns, s, work.score_shift.data(), inverse2, s);
    math.by_head(tf, query, position + kPositionKeyFinal * kLanes, s, s);
  }
  Partials& out = work.partials;
  const std::size_t width = kHeadDim + 2 * columns + 1;
  float* values = out.values.data() + chunk * final_columns * width;
  math.kernels.softmax_chunk(final_columns, blocks, valid_of(chunk), scores, final_columns * kLanes,
                             out.max.data() + chunk * final_columns, out.sum.data() + chunk * final_columns);
  for (std::size_t b = 0; b < blocks; ++b) {
    float* s = scores + b * final_columns * kLanes;
    math.kernels.scale_rows(final_columns, s, nullptr, work.inverse2.data() + (start + b) * kLanes, s);
  }
  float* ones = scratch.small.data();
  std::fill_n(ones, kLanes, 1.0f);
  math.kernels.dot({final_columns, 2 * columns, blocks, scores, final_columns * kLanes,
                    work.attention.data() + start * 2 * columns * kLanes, 2 * columns * kLanes, values + kHeadDim, width});
  math.kernels.dot({final_columns, 1, blocks, scores, final_columns * kLanes, ones, 0, values + kHeadDim + 2 * columns, width});
  for (std::size_t b = 0; b < blocks; ++b) {
    float* s = scores + b * final_columns * kLanes;
    math.kernels.scale_rows(final_columns, s, nullptr, work.inverse1.data() + (start + b) * kLanes, s);
  }
  for (std::size_t h = 0; h < kHeads; ++h) {
    math.kernels.dot({tf, kHeadDim, blocks, scores + h * tf * kLanes, final_columns * kLanes,
                      p.at(0, 4 * kInner + h * kHeadDim), p.block, values + h * tf * width, width});
  }
}

void ImagePasses::upscale(PromptWork& work, std::size_t chunk, PassScratch& scratch) const {
  const std::size_t columns = work.columns, blocks = blocks_of(chunk), start = chunk * kChunkBlocks;
  const std::size_t masks = work.mask_tokens.size(), side = image.side, low = 4 * side;
  const Products p = products(work, chunk, kUpscale, 4 * kUp1, scratch);
  float* level1 = scratch.upscaled.data();
  float* level0 = level1 + kUp1 * kLanes;
  float* logits = level0 + kUp0 * kLanes;  // [masks][16][L]
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t block = start + b;
    const float* a12 = work.attention.data() + block * 2 * columns * kLanes;
    const std::uint16_t* a12_bf16 = math.bf16 ? work.attention_bf16.data() + block * 2 * columns * kLanes : nullptr;
    for (std::size_t sub = 0; sub < 4; ++sub) {
      math.multiply(kUp1, 2 * columns, work.to_upscale, sub * kUp1 * 2 * columns, 2 * columns, {a12, a12_bf16}, level1,
                    p.at(b, sub * kUp1), work.inverse1.data() + block * kLanes);
      math.kernels.upscale_norm(level1, work.inverse2.data() + block * kLanes, folded.upscale_shift.data() + sub * kUp1,
                                image.high_res_1.data() + (block * 4 + sub) * kUp1 * kLanes,
                                folded.upscale_norm.gain.data(), folded.upscale_norm.bias.data(), 1e-6f, math.bf16);
      if (math.bf16) math.kernels.pack_bf16(kUp1, level1, scratch.packed.data());
      for (std::size_t sub0 = 0; sub0 < 4; ++sub0) {
        const float* skip = image.high_res_0.data() + ((block * 4 + sub) * 4 + sub0) * kUp0 * kLanes;
        if (math.bf16) {
          math.kernels.gemm_bf16({kUp0, kUp1, folded.upscale1_bf16.data() + sub0 * kUp0 * kUp1, kUp1, scratch.packed.data(),
                                  level0, kLanes, skip, kLanes, nullptr});
        } else {
          math.kernels.gemm({kUp0, kUp1, folded.upscale1.data() + sub0 * kUp0 * kUp1, kUp1, level1, level0, kLanes, skip,
                             kLanes, nullptr});
        }
        math.kernels.gelu_dot(level0, work.hyper.data(), masks, logits + (sub * 4 + sub0) * kLanes, 16 * kLanes, math.bf16);
      }
    }
    for (std::size_t lane = 0; lane < std::min(kLanes, image.tokens - block * kLanes); ++lane) {
      const std::size_t ty = (block * kLanes + lane) / side, tx = (block * kLanes + lane) % side;
      for (std::size_t mask = 0; mask < masks; ++mask) {
        float* out = work.masks.data() + mask * low * low;
        for (std::size_t i = 0; i < 16; ++i) {
          const std::size_t y = 4 * ty + 2 * (i / 8) + (i % 4) / 2, x = 4 * tx + 2 * (i / 4 % 2) + i % 2;
          out[y * low + x] = logits[(mask * 16 + i) * kLanes + lane];
        }
      }
    }
  }
}

}  // namespace unsam
