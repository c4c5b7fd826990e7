// What the kernels keep of each prompt between them, in one run of memory that a call divides among its prompts.
#pragma once

#include <cstddef>

#include "decoder/cuda/call.h"
#include "decoder/cuda/capacity.h"
#include "decoder/cuda/placer.h"

namespace unsam::cuda {

struct WorkspaceSizes {
  std::size_t padded;       // image tokens, whole tiles
  std::size_t chunks;
  std::size_t element;      // bytes
  std::size_t final_count;  // tokens read after the transformer
};

// The arrays of one prompt of `tokens` tokens, one after the other; pointers in w, null where the placer only measures.
void place_prompt(PromptView& w, std::size_t tokens, const WorkspaceSizes& sizes, Placer& at);
// What a prompt with a mask has besides.
void place_mask(PromptView& w, const WorkspaceSizes& sizes, Placer& at);

// Bytes that suffice for any prompts within the capacity.
std::size_t workspace_bytes(const Capacity& capacity, const WorkspaceSizes& sizes);

}  // namespace unsam::cuda
