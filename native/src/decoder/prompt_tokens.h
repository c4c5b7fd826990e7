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

// A prompt's tokens are [token_count][kDim]: object score, IoU, masks, [granularity mask], points, [granularity]. `out` is where
// the first begins. Points [first, first + count) of the prompt:
void write_points(const Folded& folded, const Kernels& kernels, const Prompt& prompt, std::size_t side, std::size_t first,
                  std::size_t count, float* out);
// All others:
void write_other_tokens(const Folded& folded, const Kernels& kernels, const Prompt& prompt, float* out);

}  // namespace unsam
