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
  if (work.is_long) {
    const std::size_t tokens = (work.tokens + kLanes - 1) / kLanes * kLanes;
    for (Buffer<float>* b : {&work.token_keys, &work.token_values}) b->reserve(tokens * kDim);
    for (Buffer<float>* b : {&work.image_keys, &work.image_values, &work.image_queries}) b->reserve(blocks * kInner * kLanes);
  } else {
    TermMatrices& own = work.own_terms;
    work.value_twice.reserve(2 * work.tokens * kInner);
    work.own_from_value1.reserve(kFromValue1Panels * c * kLanes);
    work.own_from_value2.reserve(kFromValue2Panels * c * kLanes);
    own.from_value1 = work.own_from_value1.data();
    own.from_value2 = work.own_from_value2.data();
    for (Operand* o : {&own.gram1, &own.to_score1, &own.to_query1}) operand(*o, c * c);
    operand(own.gram12, 4 * c * c);
    operand(own.to_upscale, 4 * kUp1 * 2 * c);
    own.linear12.reserve(2 * c);
    work.query1_shift.reserve(c);
    work.terms = &own;
  }
  work.final_query.reserve(work.final_tokens.size() * kInner);
  operand(work.to_score_final, cf * 2 * c);
  work.score_shift.reserve(cf);
  if (bf16) {
    work.attention.half.reserve(blocks * 2 * c * kLanes);
  } else {
    work.attention.f32.reserve(blocks * 2 * c * kLanes);
  }
  work.inverse1.reserve(blocks * kLanes);
  work.inverse2.reserve(blocks * kLanes);
  const std::size_t rows = work.is_long ? cf : std::max(c, cf);
  work.partials.max.reserve(chunks * rows);
  work.partials.sum.reserve(chunks * rows);
  work.partials.values.reserve(chunks * std::max(work.is_long ? 0 : c * (kHeadDim + c), cf * (kHeadDim + 2 * c + 1)));
}

TermMatrices PromptMatrices::of_mixtures() const {
  PromptWork work;
  work.tokens = kHeadDim;
  work.is_long = false;
  work.columns = kInner;
  work.final_columns = 0;
  reserve(work, 0, 0);
  Buffer<float> unit(kHeadDim * kInner);
  for (std::size_t i = 0; i < kHeadDim * kInner; ++i) unit[i] = i % kHeadDim == i / kInner ? 1.0f : 0.0f;
  work.query = work.key = work.value1 = work.value2 = unit.data();
  TermMatrices& terms = work.own_terms;
  terms.from_value1 = folded.from_value1.panel(0);
  terms.from_value2 = folded.from_value2.panel(0);
  for (std::size_t task = 0; task < kLayer0Tasks; ++task) layer0(work, task);
  for (std::size_t task = 0; task < kLastScores; ++task) layer1(work, task);
  terms.to_value1.f32.reserve(kInner * kInner);
  kernels.head_dots(kHeadDim, kInner, unit.data(), terms.from_value1 + kToValue1 * kInner * kLanes, terms.to_value1.f32.data(), kInner);
  if (bf16) {
    terms.to_value1.bf16.reserve(kInner * kInner);
    bf16->to_rows(kInner * kInner, terms.to_value1.f32.data(), terms.to_value1.bf16.data());
  }
  return std::move(terms);
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
  TermMatrices& own = work.own_terms;
  const auto panels = [&](std::size_t p) { return own.from_value1 + p * c * kLanes; };
  if (task == 0) {
    kernels.head_dots(t, c, work.value1, panels(kGram1), own.gram1.f32.data(), c);
    fold_triangle(c, own.gram1.f32.data());
    for (std::size_t i = 0; i < t * kInner; ++i) work.value_twice[i] = 2.0f * work.value1[i];
    if (bf16) bf16->to_rows(c * c, own.gram1.f32.data(), own.gram1.bf16.data());
  } else {
    kernels.head_dots(t, c, work.query, panels(kToKey1), own.to_score1.f32.data(), c);
    if (bf16) bf16->to_rows(c * c, own.to_score1.f32.data(), own.to_score1.bf16.data());
  }
}

void PromptMatrices::layer1(PromptWork& work, std::size_t task) const {
  const std::size_t t = work.tokens, c = work.columns, tf = work.final_tokens.size(), cf = work.final_columns;
  TermMatrices& own = work.own_terms;
  const auto from1 = [&](std::size_t p) { return work.terms->from_value1 + p * c * kLanes; };
  const auto from2 = [&](std::size_t p) { return work.terms->from_value2 + p * c * kLanes; };
  if (task == 0) {
    kernels.head_dots(t, c, work.key, from1(kToQuery1), own.to_query1.f32.data(), c);
    if (bf16) bf16->to_rows(c * c, own.to_query1.f32.data(), own.to_query1.bf16.data());
    for (std::size_t h = 0; h < kHeads; ++h) {
      const float* beta1 = folded.beta_value1.data() + h * kHeadDim;
      const float* beta2 = folded.beta_value2.data() + h * kHeadDim;
      for (std::size_t i = 0; i < t; ++i) {
        const std::size_t at = i * kInner + h * kHeadDim;
        work.query1_shift[h * t + i] = head_dot(work.key + at, folded.query1_shift.data() + h * kHeadDim);
        own.linear12[h * t + i] = 2.0f * head_dot(work.value1 + at, beta1);
        own.linear12[c + h * t + i] = 2.0f * head_dot(work.value2 + at, beta2);
      }
    }
    for (std::size_t i = 0; i < t * kInner; ++i) work.value_twice[t * kInner + i] = 2.0f * work.value2[i];
  } else if (task == 1) {
    float* g = own.gram12.f32.data();
    kernels.head_dots(t, c, work.value1, from1(kGram2), g, 2 * c);
    kernels.head_dots(t, c, work.value2, from1(kCross), g + c * 2 * c, 2 * c);
    kernels.head_dots(t, c, work.value2, from2(kGram3), g + c * 2 * c + c, 2 * c);
    for (std::size_t i = 0; i < c; ++i) {
      for (std::size_t j = 0; j < c; ++j) g[i * 2 * c + c + j] = g[(c + j) * 2 * c + i];
    }
    fold_triangle(2 * c, g);
    if (bf16) bf16->to_rows(4 * c * c, g, own.gram12.bf16.data());
  } else if (task == 2) {
    float* up = own.to_upscale.f32.data();
    for (std::size_t row = 0; row < 4 * kUp1; ++row) {
      const float* r1 = from1(kToUpscale1 + row / kLanes) + row % kLanes;
      const float* r2 = from2(kToUpscale2 + row / kLanes) + row % kLanes;
      for (std::size_t i = 0; i < c; ++i) up[row * 2 * c + i] = r1[i * kLanes];
      for (std::size_t i = 0; i < c; ++i) up[row * 2 * c + c + i] = r2[i * kLanes];
    }
    if (bf16) bf16->to_rows(4 * kUp1 * 2 * c, up, own.to_upscale.bf16.data());
  } else {
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
    add_head_values(c, head, value + kHeadDim, work.terms->from_value1 + kToValue1 * c * kLanes, o);
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
    add_head_values(c, head, value + kHeadDim, work.terms->from_value1 + kToValueFinal1 * c * kLanes, o);
    add_head_values(c, head, value + kHeadDim + c, work.terms->from_value2 + kToValueFinal2 * c * kLanes, o);
  }
}

}  // namespace unsam
