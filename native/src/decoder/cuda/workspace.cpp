#include "decoder/cuda/workspace.h"

#include <algorithm>

namespace unsam::cuda {

void place_prompt(PromptView& w, std::size_t tokens, const WorkspaceSizes& sizes, Placer& at) {
  const auto [padded, chunks, element, final_count] = sizes;
  const std::size_t c = 8 * tokens, cf = 8 * final_count;
  w.attention = at.bytes(2 * c * padded * element);
  w.inverse1 = at.take<float>(padded);
  w.inverse2 = at.take<float>(padded);
  w.partial_max = at.take<float>(chunks * std::max(c, cf));
  w.partial_sum = at.take<float>(chunks * std::max(c, cf));
  w.partial_values = at.take<float>(chunks * std::max(c * (kHeadDim + c), cf * (kHeadDim + 2 * c + 1)));
  w.gram1 = at.bytes(c * c * element);
  w.to_score1 = at.bytes(c * c * element);
  w.to_query1 = at.bytes(c * c * element);
  w.gram12 = at.bytes(4 * c * c * element);
  w.to_score_final = at.bytes(cf * 2 * c * element);
  w.to_upscale = at.bytes(4 * kUp1 * 2 * c * element);
  w.linear12 = at.take<float>(2 * c);
  w.query1_shift = at.take<float>(c);
  w.score_shift = at.take<float>(cf);
  w.to_value1 = at.take<float>(c * kInner);
  w.to_value_final1 = at.take<float>(c * kInner);
  w.to_value_final2 = at.take<float>(c * kInner);
}

void place_mask(PromptView& w, const WorkspaceSizes& sizes, Placer& at) {
  w.mask_features = at.take<float>(sizes.padded * kMaskChannels);
  w.own_products = reinterpret_cast<float*>(at.bytes(sizes.padded * kProductRows * sizes.element));
  w.own_norms = at.take<float>(3 * sizes.padded);
}

// A prompt's bytes grow with its tokens at least in proportion (no term falls, none grows slower than linearly), so a given number
// of tokens takes the most where they are gathered in the longest prompts; the rest has what a prompt of no tokens has. What
// rounding adds to each array is counted apart.
std::size_t workspace_bytes(const Capacity& capacity, const WorkspaceSizes& sizes) {
  PromptView unused{};
  Placer longest{nullptr}, least{nullptr}, mask{nullptr};
  place_prompt(unused, static_cast<std::size_t>(capacity.tokens), sizes, longest);
  place_prompt(unused, 0, sizes, least);
  place_mask(unused, sizes, mask);
  const auto prompts = static_cast<std::size_t>(capacity.prompts), rows = static_cast<std::size_t>(capacity.rows);
  const auto tokens = static_cast<std::size_t>(capacity.tokens);
  return prompts * (least.size + least.arrays * Placer::kAlignment) + (rows * longest.size + tokens - 1) / tokens +
         static_cast<std::size_t>(capacity.masks) * mask.size;
}

}  // namespace unsam::cuda
