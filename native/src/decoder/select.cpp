#include "decoder/select.h"

#include <algorithm>

namespace unsam {
namespace {

std::int32_t best_of_three(const float* iou) {
  std::int32_t best = 1;
  for (std::int32_t i = 2; i <= 3; ++i) {
    if (iou[i] > iou[best]) best = i;
  }
  return best;
}

}  // namespace

std::vector<std::size_t> tokens_read(bool has_granularity, bool multimask) {
  if (has_granularity) return {0, 1, 6};
  if (multimask) return {0, 1, 3, 4, 5};
  return {0, 1, 2, 3, 4, 5};
}

std::vector<std::int32_t> masks_needed(bool has_granularity, bool multimask, const float* iou) {
  if (has_granularity) return {kGranularityMask};
  if (multimask) return {1, 2, 3};
  return {0, best_of_three(iou)};
}

std::vector<std::int32_t> every_mask(bool has_granularity) {
  if (has_granularity) return {kGranularityMask};
  return {0, 1, 2, 3};
}

bool is_stable(std::span<const float> logits) {
  std::size_t inner = 0, outer = 0;
  for (const float x : logits) {
    inner += x > kStabilityDelta ? 1 : 0;
    outer += x > -kStabilityDelta ? 1 : 0;
  }
  if (outer == 0) return true;
  return static_cast<float>(inner) / static_cast<float>(outer) >= kStabilityThreshold;
}

DecodedMasks describe(bool has_granularity, bool multimask, const float* iou, float object_score, std::vector<std::int32_t> masks) {
  DecodedMasks result;
  result.object_score = object_score;
  if (has_granularity) {
    result.predicted_iou = {multimask ? std::max({iou[1], iou[2], iou[3]}) : iou[0]};
  } else {
    for (const std::int32_t mask : masks) result.predicted_iou.push_back(iou[mask]);
  }
  result.tokens = std::move(masks);
  return result;
}

DecodedMasks choose(bool has_granularity, bool multimask, const float* iou, float object_score,
                    std::vector<float> logits, const std::vector<std::int32_t>& computed) {
  std::vector<std::int32_t> masks = computed;
  if (!has_granularity && !multimask) {
    const std::size_t size = logits.size() / computed.size();
    if (is_stable(std::span(logits).first(size))) {
      masks = {0};
      logits.resize(size);
    } else {
      masks = {computed[1]};
      logits.erase(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(size));
    }
  }
  DecodedMasks result = describe(has_granularity, multimask, iou, object_score, std::move(masks));
  result.low_res = std::move(logits);
  return result;
}

}  // namespace unsam
