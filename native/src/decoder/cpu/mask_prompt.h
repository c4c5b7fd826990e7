#pragma once

#include "cpu/kernels.h"
#include "decoder/cpu/prepared_image.h"
#include "decoder/cpu/prompt_work.h"

namespace unsam {

// Floats of scratch the functions below need.
inline constexpr std::size_t kMaskScratch = (2 * kDim + kMaskChannels) * kLanes;

// Fills work.mask_features and work.mask_norms of one block from the prompt's mask logits: the prompt encoder's two
// 2 x 2 convolutions with LayerNorm (eps 1e-6) and GELU, 1 -> 4 -> 16 channels.
void embed_mask(const Folded& folded, const Kernels& kernels, const PreparedImage& image, PromptWork& work,
                std::size_t block, float* scratch);

}  // namespace unsam
