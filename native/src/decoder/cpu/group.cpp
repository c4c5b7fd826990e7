#include "decoder/cpu/group.h"

#include <algorithm>
#include <cmath>

#include "decoder/cpu/order.h"
#include "decoder/prompt_tokens.h"
#include "decoder/select.h"

namespace unsam {
namespace {

constexpr float kTokenNormEps = 1e-5f;
constexpr std::size_t kRowsPerItem = 64;  // tokens that one thread takes at a time, where each is treated by itself

}  // namespace

GroupDecoder::GroupDecoder(const Folded& folded, const TermMatrices& mixtures, const Kernels& kernels,
                           const Bfloat16Kernels* bf16, const PreparedImage& image, Workspace& workspace, ThreadTeam& team)
    : folded_(folded),
      mixtures_(mixtures),
      kernels_(kernels),
      image_(image),
      ws_(workspace),
      team_(team),
      passes_{folded, kernels, bf16 != nullptr, image},
      matrices_{folded, kernels, bf16},
      long_(passes_, team, workspace.scratch) {}

std::size_t GroupDecoder::group_size(std::span<const Prompt> prompts) const {
  std::size_t size = 0, tokens = 0;
  while (size < std::min(kGroupPrompts, prompts.size())) {
    tokens += token_count(folded_, prompts[size]);
    if (size > 0 && tokens > kGroupTokens) break;
    ++size;
  }
  return size;
}

void GroupDecoder::decode(std::span<const Prompt> prompts, const DecodeOptions& options, std::span<DecodedMasks> results) {
  begin(prompts, options);
  embed_masks();
  const TokenLayer &first = folded_.layers[0], &second = folded_.layers[1];

  self_attention(first, true);
  add_position();
  apply(kernels_, team_, rows_, {{&first.to_image_q, ws_.with_position.data(), kDim, ws_.query.data(), kInner}});
  over_image(short_, &ImagePasses::attend0);
  merge(short_, &PromptMatrices::merge0);
  long_.attend0(ws_.attention.data());
  after_image_attention(first, ws_.attention.data());
  apply(kernels_, team_, rows_,
        {{&first.from_image_k, ws_.with_position.data(), kDim, ws_.key.data(), kInner},
         {&first.from_image_v, ws_.queries.data(), kDim, ws_.value1.data(), kInner}});

  self_attention(second, false);
  add_position();
  apply(kernels_, team_, rows_, {{&second.to_image_q, ws_.with_position.data(), kDim, ws_.query.data(), kInner}});
  team_.run(short_.size() * kFromValue1Panels, [&](std::size_t item, std::size_t) {
    PromptWork& w = *short_[item / kFromValue1Panels];
    matrices_.expand(folded_.from_value1, w.value1, item % kFromValue1Panels, w, w.own_from_value1);
  });
  team_.run(short_.size() * PromptMatrices::kLayer0Tasks, [&](std::size_t item, std::size_t) {
    matrices_.layer0(*short_[item / PromptMatrices::kLayer0Tasks], item % PromptMatrices::kLayer0Tasks);
  });
  over_image(short_, &ImagePasses::attend1);
  merge(short_, &PromptMatrices::merge1);
  long_.attend1(ws_.key.data(), ws_.value1.data(), ws_.attention.data());
  after_image_attention(second, ws_.attention.data());
  apply(kernels_, team_, rows_,
        {{&second.from_image_k, ws_.with_position.data(), kDim, ws_.key.data(), kInner},
         {&second.from_image_v, ws_.queries.data(), kDim, ws_.value2.data(), kInner},
         {&folded_.final_q, ws_.with_position.data(), kDim, ws_.query.data(), kInner}});
  for (PromptWork* w : all_) {
    for (std::size_t i = 0; i < w->final_tokens.size(); ++i) {
      std::copy_n(w->query + w->final_tokens[i] * kInner, kInner, w->final_query.data() + i * kInner);
    }
  }
  team_.run(short_.size() * kFromValue2Panels, [&](std::size_t item, std::size_t) {
    PromptWork& w = *short_[item / kFromValue2Panels];
    matrices_.expand(folded_.from_value2, w.value2, item % kFromValue2Panels, w, w.own_from_value2);
  });
  team_.run(count_ * PromptMatrices::kLayer1Tasks, [&](std::size_t item, std::size_t) {
    PromptWork& w = *all_[item / PromptMatrices::kLayer1Tasks];
    const std::size_t task = item % PromptMatrices::kLayer1Tasks;
    if (!w.is_long || task == PromptMatrices::kLastScores) matrices_.layer1(w, task);
  });
  long_.attend_final(ws_.key.data(), ws_.value2.data());
  over_image(all_, &ImagePasses::attend_final);
  merge(all_, &PromptMatrices::merge_final);
  heads(options);

  const std::size_t low = 4 * image_.side;
  for (PromptWork* w : all_) w->masks.assign(w->mask_tokens.size() * low * low, 0.0f);
  over_image(all_, &ImagePasses::upscale);
  for (std::size_t p = 0; p < count_; ++p) {
    PromptWork& w = *all_[p];
    results[p] = options.every_mask ? every(w)
                                    : choose(folded_.has_granularity, options.multimask, w.iou, w.object_score,
                                             std::move(w.masks), w.mask_tokens);
  }
}

// The tokens of the masks follow the object score's and the IoU's among those that were read.
DecodedMasks GroupDecoder::every(PromptWork& w) const {
  DecodedMasks result;
  result.low_res = std::move(w.masks);
  result.predicted_iou.assign(w.iou, w.iou + kMaskTokens);
  result.object_score = w.object_score;
  result.tokens = w.mask_tokens;
  for (auto token = w.final_tokens.begin() + 2; token != w.final_tokens.end(); ++token) {
    const float* row = ws_.queries.data() + (w.first_row + *token) * kDim;
    result.mask_tokens.insert(result.mask_tokens.end(), row, row + kDim);
  }
  return result;
}

void GroupDecoder::begin(std::span<const Prompt> prompts, const DecodeOptions& options) {
  count_ = prompts.size();
  rows_ = 0;
  ws_.prompts.resize(std::max(ws_.prompts.size(), count_));
  const std::vector<std::size_t> final_tokens = tokens_read(folded_.has_granularity, options.multimask && !options.every_mask);
  std::size_t columns = 0;
  short_.clear();
  all_.clear();
  long_.clear();
  for (std::size_t p = 0; p < count_; ++p) {
    PromptWork& w = ws_.prompts[p];
    w.prompt = &prompts[p];
    w.first_row = rows_;
    w.tokens = token_count(folded_, prompts[p]);
    w.is_long = is_long(w.tokens, final_tokens.size(), image_.tokens, matrices_.bf16);
    w.columns = w.is_long ? kInner : kHeads * w.tokens;
    w.terms = &mixtures_;
    w.final_tokens = final_tokens;
    w.final_columns = kHeads * final_tokens.size();
    rows_ += w.tokens;
    columns = std::max(columns, w.columns);
    matrices_.reserve(w, image_.blocks, image_.chunks());
    all_.push_back(&w);
    if (w.is_long) {
      long_.add(w);
    } else {
      short_.push_back(&w);
    }
  }
  ws_.reserve_rows(rows_);
  ws_.scratch.resize(std::max(ws_.scratch.size(), team_.size()));
  ws_.mask_scratch.resize(std::max(ws_.mask_scratch.size(), team_.size()));
  for (PassScratch& s : ws_.scratch) s.reserve(columns, kMaskTokens, passes_.bf16);
  for (PromptWork* w : all_) {
    float* position = ws_.position.data() + w->first_row * kDim;
    write_other_tokens(folded_, kernels_, *w->prompt, position);
    const std::size_t points = w->prompt->labels.size();
    const auto write = [&](std::size_t first, std::size_t count) {
      write_points(folded_, kernels_, *w->prompt, image_.side, first, count, position);
    };
    by_rows(points, write);
    w->query = ws_.query.data() + w->first_row * kInner;
    w->key = ws_.key.data() + w->first_row * kInner;
    w->value1 = ws_.value1.data() + w->first_row * kInner;
    w->value2 = ws_.value2.data() + w->first_row * kInner;
  }
  std::copy_n(ws_.position.data(), rows_ * kDim, ws_.queries.data());
}

// task(first, count) for all rows, shared out where there are many.
void GroupDecoder::by_rows(std::size_t rows, const std::function<void(std::size_t, std::size_t)>& task) {
  if (rows <= 4 * kRowsPerItem) return task(0, rows);
  team_.run((rows + kRowsPerItem - 1) / kRowsPerItem, [&](std::size_t item, std::size_t) {
    task(item * kRowsPerItem, std::min(kRowsPerItem, rows - item * kRowsPerItem));
  });
}

void GroupDecoder::embed_masks() {
  std::vector<PromptWork*> masked;
  for (std::size_t p = 0; p < count_; ++p) {
    PromptWork& w = ws_.prompts[p];
    if (w.prompt->mask_logits.empty()) continue;
    w.mask_features.reserve(image_.blocks * (kMaskChannels + 1) * kLanes);
    w.mask_norms.reserve(image_.blocks * 3 * kLanes);
    masked.push_back(&w);
  }
  if (masked.empty()) return;
  for (auto& s : ws_.mask_scratch) s.reserve(kMaskScratch);
  team_.run(masked.size() * image_.blocks, [&](std::size_t item, std::size_t worker) {
    embed_mask(folded_, kernels_, image_, *masked[item / image_.blocks], item % image_.blocks,
               ws_.mask_scratch[worker].data());
  });
}

void GroupDecoder::add_position() {
  by_rows(rows_, [&](std::size_t first, std::size_t rows) {
    float* out = ws_.with_position.data() + first * kDim;
    std::copy_n(ws_.queries.data() + first * kDim, rows * kDim, out);
    kernels_.add(rows * kDim, out, ws_.position.data() + first * kDim);
  });
}

// queries = norm(queries + update), or without an update.
void GroupDecoder::normalise(const LayerNorm& norm, const float* update) {
  by_rows(rows_, [&](std::size_t first, std::size_t rows) {
    float* queries = ws_.queries.data() + first * kDim;
    if (update != nullptr) kernels_.add(rows * kDim, queries, update + first * kDim);
    kernels_.layer_norm(rows, queries, norm.gain.data(), norm.bias.data(), kTokenNormEps);
  });
}

void GroupDecoder::self_attention(const TokenLayer& layer, bool first) {
  // The first layer has neither position term nor residual.
  if (!first) add_position();
  const float* qk = first ? ws_.queries.data() : ws_.with_position.data();
  apply(kernels_, team_, rows_,
        {{&layer.self.q, qk, kDim, ws_.q.data(), kDim},
         {&layer.self.k, qk, kDim, ws_.k.data(), kDim},
         {&layer.self.v, ws_.queries.data(), kDim, ws_.v.data(), kDim}});
  team_.run(short_.size(), [&](std::size_t p, std::size_t) {
    const PromptWork& w = *short_[p];
    const std::size_t at = w.first_row * kDim;
    // update is free here; one row of scores per prompt.
    kernels_.self_attention(w.tokens, ws_.q.data() + at, ws_.k.data() + at, ws_.v.data() + at, ws_.update.data() + at,
                            ws_.mixed.data() + at);
  });
  long_.self_attention(ws_.q.data(), ws_.k.data(), ws_.v.data(), ws_.mixed.data());
  float* out = first ? ws_.queries.data() : ws_.update.data();
  apply(kernels_, team_, rows_, {{&layer.self.out, ws_.mixed.data(), kDim, out, kDim}});
  normalise(layer.norm1, first ? nullptr : out);
}

void GroupDecoder::over_image(const std::vector<PromptWork*>& prompts, Pass pass) {
  const std::size_t count = prompts.size();
  for (PromptWork* w : prompts) {
    w->partials.width = kHeadDim;
    if (pass == &ImagePasses::attend1) w->partials.width += w->columns;
    if (pass == &ImagePasses::attend_final) w->partials.width += 2 * w->columns + 1;
  }
  // Chunk by chunk, all prompts of the group on it: the image's products are then read from cache.
  team_.run(image_.chunks() * count, [&](std::size_t item, std::size_t worker) {
    PassScratch& scratch = ws_.scratch[worker];
    scratch.next_chunk = (item + team_.size()) / count;
    (passes_.*pass)(*prompts[item % count], item / count, scratch);
  });
}

void GroupDecoder::merge(const std::vector<PromptWork*>& prompts, Merge of_head) {
  team_.run(prompts.size() * kHeads, [&](std::size_t item, std::size_t) {
    PromptWork& w = *prompts[item / kHeads];
    (matrices_.*of_head)(w, item % kHeads, image_.chunks(), ws_.attention.data() + w.first_row * kInner);
  });
}

void GroupDecoder::after_image_attention(const TokenLayer& layer, const float* attention) {
  apply(kernels_, team_, rows_, {{&layer.to_image_out, attention, kInner, ws_.update.data(), kDim}});
  normalise(layer.norm2, ws_.update.data());
  for (std::size_t first = 0; first < rows_; first += kHiddenRows) {
    const std::size_t rows = std::min(kHiddenRows, rows_ - first);
    float* hidden = ws_.hidden.data();
    apply(kernels_, team_, rows, {{&layer.mlp0, ws_.queries.data() + first * kDim, kDim, hidden, kMlp}});
    by_rows(rows, [&](std::size_t at, std::size_t n) { kernels_.relu(n * kMlp, hidden + at * kMlp); });
    apply(kernels_, team_, rows, {{&layer.mlp1, hidden, kMlp, ws_.update.data() + first * kDim, kDim}});
  }
  normalise(layer.norm3, ws_.update.data());
  add_position();
}

void GroupDecoder::heads(const DecodeOptions& options) {
  // Only the tokens read below go through the last attention's output layer.
  team_.run(count_, [&](std::size_t p, std::size_t) {
    PromptWork& w = ws_.prompts[p];
    const std::size_t n = w.final_tokens.size();
    float* update = ws_.update.data() + w.first_row * kDim;
    ThreadTeam alone(1);
    apply(kernels_, alone, n, {{&folded_.final_out, ws_.attention.data() + w.first_row * kInner, kInner, update, kDim}});
    for (std::size_t i = 0; i < n; ++i) {
      float* token = ws_.queries.data() + (w.first_row + w.final_tokens[i]) * kDim;
      kernels_.add(kDim, token, update + i * kDim);
      kernels_.layer_norm(1, token, folded_.final_norm.gain.data(), folded_.final_norm.bias.data(), kTokenNormEps);
    }
  });

  // Slot 0 is the object score, 1 the IoU estimates, the others hypernetworks of mask tokens.
  const std::vector<std::size_t>& tokens = ws_.prompts[0].final_tokens;
  const auto mask_of = [&](std::size_t slot) {
    return folded_.has_granularity ? kGranularityMask : static_cast<std::int32_t>(tokens[slot]) - 2;
  };
  const auto mlp_of = [&](std::size_t slot) -> const Mlp& {
    if (slot == 0) return folded_.object_head;
    if (slot == 1) return folded_.iou_head;
    return folded_.hyper[folded_.has_granularity ? 0 : static_cast<std::size_t>(mask_of(slot))];
  };
  const std::size_t slot_size = kGroupPrompts * kDim;
  float* x = ws_.head_a.data();  // [slots][kGroupPrompts][kDim]
  float* y = ws_.head_b.data();
  for (std::size_t slot = 0; slot < tokens.size(); ++slot) {
    for (std::size_t p = 0; p < count_; ++p) {
      std::copy_n(ws_.queries.data() + (ws_.prompts[p].first_row + tokens[slot]) * kDim, kDim, x + slot * slot_size + p * kDim);
    }
  }
  float* results[kMaxSlots];
  for (std::size_t layer = 0; layer < 3; ++layer, std::swap(x, y)) {
    LinearJob jobs[kMaxSlots];
    std::size_t n = 0;
    for (std::size_t slot = 0; slot < tokens.size(); ++slot) {
      const Mlp& mlp = mlp_of(slot);
      if (layer >= mlp.depth) continue;
      jobs[n++] = {&mlp.layers[layer], x + slot * slot_size, kDim, y + slot * slot_size, kDim};
      results[slot] = y + slot * slot_size;
    }
    apply(kernels_, team_, count_, std::span(jobs, n));
    for (std::size_t slot = 0; slot < tokens.size(); ++slot) {
      if (layer + 1 < mlp_of(slot).depth) kernels_.relu(count_ * kDim, y + slot * slot_size);
    }
  }
  for (std::size_t p = 0; p < count_; ++p) {
    PromptWork& w = ws_.prompts[p];
    w.object_score = results[0][p * kDim];
    for (std::size_t i = 0; i < kMaskTokens; ++i) w.iou[i] = 1.0f / (1.0f + std::exp(-results[1][p * kDim + i]));
    w.mask_tokens = options.every_mask ? every_mask(folded_.has_granularity)
                                       : masks_needed(folded_.has_granularity, options.multimask, w.iou);
    w.hyper.reserve(w.mask_tokens.size() * kUp0);
    for (std::size_t slot = 2; slot < tokens.size(); ++slot) {
      for (std::size_t i = 0; i < w.mask_tokens.size(); ++i) {
        if (w.mask_tokens[i] == mask_of(slot)) std::copy_n(results[slot] + p * kDim, kUp0, w.hyper.data() + i * kUp0);
      }
    }
  }
}

}  // namespace unsam
