#pragma once

#include <cstddef>

#include "cpu/kernels.h"
#include "decoder/folded.h"
#include "unsam/decoder.h"

namespace unsam {

// Throws Error(bad_prompt) naming what is wrong; index is the prompt's position in the batch.
void check_prompt(const Prompt& prompt, std::size_t index, std::size_t side, bool has_granularity);

// Output tokens + points + granularity token.
std::size_t token_count(const Folded& folded, const Prompt& prompt);

// Writes the prompt's tokens [token_count][kDim]: object score, IoU, masks, [granularity mask], points, [granularity].
void write_tokens(const Folded& folded, const Kernels& kernels, const Prompt& prompt, std::size_t side, float* out);

}  // namespace unsam
