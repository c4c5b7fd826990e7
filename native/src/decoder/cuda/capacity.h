// For which batches one plan serves. A plan has room for so many prompts, for so many tokens of each and of all; a batch is padded
// to the next such size, and so few plans serve all batches. Each added click is in the plan of the last one, mostly.
#pragma once

#include <span>

#include "decoder/folded.h"
#include "unsam/decoder.h"

namespace unsam::cuda {

struct Capacity {
  int side;        // of the features
  bool multimask;
  int prompts;     // a power of two
  int tokens;      // of the longest prompt
  int rows;        // tokens of all prompts
  int masks;       // prompts with a mask: 0 or a power of two

  auto operator<=>(const Capacity&) const = default;
};

// The least capacity that holds the prompts: at most kMaxGroup, each of at most kMostTokens tokens.
Capacity capacity_for(const Folded& folded, int side, bool multimask, std::span<const Prompt> prompts);

}  // namespace unsam::cuda
