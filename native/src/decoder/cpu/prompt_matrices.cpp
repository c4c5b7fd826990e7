#include "decoder/cpu/prompt_matrices.h"

#include <algorithm>
#include <cmath>

namespace unsam {
namespace {

// Upper triangle of a symmetric matrix with doubled off-diagonal, zeros below.
void fold_triangle(std::size_t n, float* m) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) m[i * n + j] = 0.0f;
    for (std::size_t j = i + 1; j < n; ++j) m[i * n + j] *= 2.0f;
  }
}

// Merges one row of per-chunk softmax results into its normalised values [width], written over chunk 0.
const float* merge(Partials& p, std::size_t row, std::size_t rows, std::size_t chunks) {
  float top = p.max[row];
  for (std::size_t c = 1; c < chunks; ++c) top = std::max(top, p.max[c * rows + row]);
  float sum = 0.0f;
  for (std::size_t c = 0; c < chunks; ++c) {
    const float factor = std::exp(p.max[c * rows + row] - top);
    p.max[c * rows + row] = factor;
    sum += factor * p.sum[c * rows + row];
  }
  float* out = p.values.data() + row * p.width;
  const float first = p.max[row] / sum;
  for (std::size_t i = 0; i < p.width; ++i) out[i] *= first;
  for (std::size_t c = 1; c < chunks; ++c) {
    const float factor = p.max[c * rows + row] / sum;
    const float* part = p.values.data() + (c * rows + row) * p.width;
    for (std::size_t i = 0; i < p.width; ++i) out[i] += factor * part[i];
  }
  return out;
}

// out[16] += weights[columns] * r[columns][h * 16 ...], r in two panels of [columns][64].
void add_head_values(std::size_t columns, std::size_t head, const float* weights, const float* r, float* out) {
  const float* panel = r + (head / 4) * columns * kLanes + (head % 4) * kHeadDim;
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t d = 0; d < kHeadDim; ++d) out[d] += weights[c] * panel[c * kLanes + d];
  }
}

float head_dot(const float* a, const float* b) {
  float sum = 0.0f;
  for (std::size_t d = 0; d < kHeadDim; ++d) sum += a[d] * b[d];
  return sum;
}

}  // namespace

void PromptMatrices::reserve(PromptWork& work, std::size_t blocks, std::size_t chunks) const {
  const std::size_t c = work.columns, cf = work.final_columns;
  const auto operand = [&](Operand& o, std::size_t n) {
    o.f32.reserve(n);
    if (bf16) o.bf16.reserve(n);
  };
  work.value_twice.reserve(2 * work.tokens * kInner);
  work.final_query.reserve(work.final_tokens.size() * kInner);
  work.from_value1.reserve(kFromValue1Panels * c * kLanes);
  work.from_value2.reserve(kFromValue2Panels * c * kLanes);
  operand(work.gram1, c * c);
  operand(work.to_score1, c * c);
  operand(work.to_query1, c * c);
  operand(work.gram12, 4 * c * c);
  operand(work.to_score_final, cf * 2 * c);
  operand(work.to_upscale, 4 * kUp1 * 2 * c);
  work.linear12.reserve(2 * c);
  work.query1_shift.reserve(c);
  work.score_shift.reserve(cf);
  if (bf16) {
    work.attention.half.reserve(blocks * 2 * c * kLanes);
  } else {
    work.attention.f32.reserve(blocks * 2 * c * kLanes);
  }
  work.inverse1.reserve(blocks * kLanes);
  work.inverse2.reserve(blocks * kLanes);
  work.partials.max.reserve(chunks * c);
  work.partials.sum.reserve(chunks * c);
  work.partials.values.reserve(chunks * std::max(c * (kHeadDim + c), cf * (kHeadDim + 2 * c + 1)));
}

void PromptMatrices::expand(const Linear& map, const float* value, std::size_t panel, PromptWork& work,
                            Buffer<float>& out) const {
  for (std::size_t h = 0; h < kHeads; ++h) {
    kernels.gemm({work.tokens, kHeadDim, value + h * kHeadDim, kInner, map.panel(panel) + h * kHeadDim * kLanes,
                  out.data() + (panel * work.columns + h * work.tokens) * kLanes, kLanes, nullptr, 0, nullptr});
  }
}

void PromptMatrices::layer0(PromptWork& work, std::size_t task) const {
  const std::size_t t = work.tokens, c = work.columns;
  const auto panels = [&](std::size_t p) { return work.from_value1.data() + p * c * kLanes; };
  if (task == 0) {
    kernels.head_dots(t, c, work.value1, panels(kGram1), work.gram1.f32.data(), c);
    fold_triangle(c, work.gram1.f32.data());
    for (std::size_t i = 0; i < t * kInner; ++i) work.value_twice[i] = 2.0f * work.value1[i];
    if (bf16) bf16->to_rows(c * c, work.gram1.f32.data(), work.gram1.bf16.data());
  } else {
    kernels.head_dots(t, c, work.query, panels(kToKey1), work.to_score1.f32.data(), c);
    if (bf16) bf16->to_rows(c * c, work.to_score1.f32.data(), work.to_score1.bf16.data());
  }
}

void PromptMatrices::layer1(PromptWork& work, std::size_t task) const {
  const std::size_t t = work.tokens, c = work.columns, tf = work.final_tokens.size(), cf = work.final_columns;
  const auto from1 = [&](std::size_t p) { return work.from_value1.data() + p * c * kLanes; };
  const auto from2 = [&](std::size_t p) { return work.from_value2.data() + p * c * kLanes; };
  if (task == 0) {
    kernels.head_dots(t, c, work.key, from1(kToQuery1), work.to_query1.f32.data(), c);
    if (bf16) bf16->to_rows(c * c, work.to_query1.f32.data(), work.to_query1.bf16.data());
    for (std::size_t h = 0; h < kHeads; ++h) {
      const float* beta1 = folded.beta_value1.data() + h * kHeadDim;
      const float* beta2 = folded.beta_value2.data() + h * kHeadDim;
      for (std::size_t i = 0; i < t; ++i) {
        const std::size_t at = i * kInner + h * kHeadDim;
        work.query1_shift[h * t + i] = head_dot(work.key + at, folded.query1_shift.data() + h * kHeadDim);
        work.linear12[h * t + i] = 2.0f * head_dot(work.value1 + at, beta1);
        work.linear12[c + h * t + i] = 2.0f * head_dot(work.value2 + at, beta2);
      }
    }
    for (std::size_t i = 0; i < t * kInner; ++i) work.value_twice[t * kInner + i] = 2.0f * work.value2[i];
  } else if (task == 1) {
    float* g = work.gram12.f32.data();
    kernels.head_dots(t, c, work.value1, from1(kGram2), g, 2 * c);
    kernels.head_dots(t, c, work.value2, from1(kCross), g + c * 2 * c, 2 * c);
    kernels.head_dots(t, c, work.value2, from2(kGram3), g + c * 2 * c + c, 2 * c);
    for (std::size_t i = 0; i < c; ++i) {
      for (std::size_t j = 0; j < c; ++j) g[i * 2 * c + c + j] = g[(c + j) * 2 * c + i];
    }
    fold_triangle(2 * c, g);
    if (bf16) bf16->to_rows(4 * c * c, g, work.gram12.bf16.data());
  } else if (task == 2) {
    float* s = work.to_score_final.f32.data();
    kernels.head_dots(tf, c, work.final_query.data(), from1(kToKeyFinal1), s, 2 * c);
    kernels.head_dots(tf, c, work.final_query.data(), from2(kToKeyFinal2), s + c, 2 * c);
    if (bf16) bf16->to_rows(cf * 2 * c, s, work.to_score_final.bf16.data());
    for (std::size_t h = 0; h < kHeads; ++h) {
      for (std::size_t i = 0; i < tf; ++i) {
        work.score_shift[h * tf + i] = head_dot(work.final_query.data() + i * kInner + h * kHeadDim,
                                                folded.key_final_shift.data() + h * kHeadDim);
      }
    }
  } else {
    float* up = work.to_upscale.f32.data();
    for (std::size_t row = 0; row < 4 * kUp1; ++row) {
      const float* r1 = from1(kToUpscale1 + row / kLanes) + row % kLanes;
      const float* r2 = from2(kToUpscale2 + row / kLanes) + row % kLanes;
      for (std::size_t i = 0; i < c; ++i) up[row * 2 * c + i] = r1[i * kLanes];
      for (std::size_t i = 0; i < c; ++i) up[row * 2 * c + c + i] = r2[i * kLanes];
    }
    if (bf16) bf16->to_rows(4 * kUp1 * 2 * c, up, work.to_upscale.bf16.data());
  }
}

void PromptMatrices::merge0(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const {
  const float* shift = folded.value0_shift.data() + head * kHeadDim;
  for (std::size_t i = 0; i < work.tokens; ++i) {
    const float* value = merge(work.partials, head * work.tokens + i, work.columns, chunks);
    float* o = out + i * kInner + head * kHeadDim;
    for (std::size_t d = 0; d < kHeadDim; ++d) o[d] = value[d] + shift[d];
  }
}

void PromptMatrices::merge1(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const {
  const std::size_t c = work.columns;
  const float* shift = folded.value1_shift.data() + head * kHeadDim;
  for (std::size_t i = 0; i < work.tokens; ++i) {
    const float* value = merge(work.partials, head * work.tokens + i, c, chunks);
    float* o = out + i * kInner + head * kHeadDim;
    for (std::size_t d = 0; d < kHeadDim; ++d) o[d] = value[d] + shift[d];
    add_head_values(c, head, value + kHeadDim, work.from_value1.data() + kToValue1 * c * kLanes, o);
  }
}

void PromptMatrices::merge_final(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const {
  const std::size_t c = work.columns, tf = work.final_tokens.size();
  const float* shift = folded.value_final_shift.data() + head * kHeadDim;
  const float* scaled = folded.value_final_scaled.data() + head * kHeadDim;
  for (std::size_t i = 0; i < tf; ++i) {
    const float* value = merge(work.partials, head * tf + i, work.final_columns, chunks);
    float* o = out + i * kInner + head * kHeadDim;
    for (std::size_t d = 0; d < kHeadDim; ++d) o[d] = value[d] + value[kHeadDim + 2 * c] * scaled[d] + shift[d];
    add_head_values(c, head, value + kHeadDim, work.from_value1.data() + kToValueFinal1 * c * kLanes, o);
    add_head_values(c, head, value + kHeadDim + c, work.from_value2.data() + kToValueFinal2 * c * kLanes, o);
  }
}

}  // namespace unsam
