// Which masks are computed and which come back (spec: SAM 2 `multimask_output`, stability fall-back; UnSAMv2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unsam/decoder.h"

namespace unsam {

inline constexpr std::int32_t kGranularityMask = 4;

// Tokens (in the decoder's token order) whose final state is read: object score, IoU and the mask candidates. Every mask has
// the candidates of a single one.
std::vector<std::size_t> tokens_read(bool has_granularity, bool multimask);

// Masks whose logits are needed, given the four IoU estimates. For a single mask of plain SAM 2: mask 0 and the one of
// masks 1-3 it may fall back to.
std::vector<std::int32_t> masks_needed(bool has_granularity, bool multimask, const float* iou);

// The masks of all tokens that are read.
std::vector<std::int32_t> every_mask(bool has_granularity);

inline constexpr float kStabilityDelta = 0.05f, kStabilityThreshold = 0.98f;

// count(> 0.05) / count(> -0.05) >= 0.98, true when the second count is 0.
bool is_stable(std::span<const float> logits);

// The result without its logits, of the masks that come back.
DecodedMasks describe(bool has_granularity, bool multimask, const float* iou, float object_score, std::vector<std::int32_t> masks);

// From the logits of `masks_needed` to the result.
DecodedMasks choose(bool has_granularity, bool multimask, const float* iou, float object_score,
                    std::vector<float> logits, const std::vector<std::int32_t>& computed);

}  // namespace unsam
