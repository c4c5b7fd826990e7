#include "decoder/cuda/capacity.h"

#include <algorithm>
#include <bit>

#include "decoder/prompt_tokens.h"
#include "unsam/cuda.h"

namespace unsam::cuda {
namespace {

// Steps that cost at most half of what is needed. Up to 40 tokens a pass has its working set in shared memory.
constexpr int kTokenSteps[] = {8, 12, 16, 24, 32, 40, 48, 64, 96, static_cast<int>(kMostTokens)};

int power_of_two(std::size_t n) { return n == 0 ? 0 : static_cast<int>(std::bit_ceil(n)); }

// A quarter of a power of two at a time.
int rows_step(std::size_t rows) {
  const std::size_t step = std::max<std::size_t>(8, std::bit_floor(rows) / 4);
  return static_cast<int>((rows + step - 1) / step * step);
}

}  // namespace

Capacity capacity_for(const Folded& folded, int side, bool multimask, std::span<const Prompt> prompts) {
  std::size_t longest = 0, rows = 0, masks = 0;
  for (const Prompt& prompt : prompts) {
    const std::size_t tokens = token_count(folded, prompt);
    longest = std::max(longest, tokens);
    rows += tokens;
    masks += prompt.mask_logits.empty() ? 0 : 1;
  }
  const int tokens = *std::lower_bound(std::begin(kTokenSteps), std::end(kTokenSteps) - 1, static_cast<int>(longest));
  const int count = power_of_two(prompts.size());
  return {side, multimask, count, tokens, std::min(rows_step(rows), count * tokens), power_of_two(masks)};
}

}  // namespace unsam::cuda
