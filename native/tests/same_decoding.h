// Answers of a decoder compared whole: the same bits.
#pragma once

#include "unsam/decoder.h"

namespace unsam {

inline bool same(const DecodedMasks& a, const DecodedMasks& b) {
  return a.low_res == b.low_res && a.predicted_iou == b.predicted_iou && a.object_score == b.object_score &&
         a.tokens == b.tokens && a.mask_tokens == b.mask_tokens;
}

}  // namespace unsam
