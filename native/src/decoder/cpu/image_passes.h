// The passes over the image tokens. Each function handles one chunk (kChunkBlocks blocks) for one prompt; chunks are
// independent, so any number of threads gives the same bits.
#pragma once

#include "decoder/cpu/mask_prompt.h"
#include "decoder/cpu/pass_scratch.h"
#include "decoder/cpu/prepared_image.h"

namespace unsam {

struct ImagePasses {
  const Folded& folded;
  const Kernels& kernels;
  bool bf16;
  const PreparedImage& image;

  // Token->image attention of layer 0.
  void attend0(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Image->token attention of layer 0 with its norm, and token->image attention of layer 1.
  void attend1(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Image->token attention of layer 1 with its norm, and the last token->image attention.
  void attend_final(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Upscaling and the masks' dot products, straight into work.masks.
  void upscale(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
};

}  // namespace unsam
