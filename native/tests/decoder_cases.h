// Prompts of all kinds for the decoder's tests, and the comparison of their answers with the plain decoder's.
#pragma once

#include <initializer_list>
#include <random>
#include <vector>

#include "random_model.h"
#include "reference/reference_decoder.h"

namespace test {

struct Batch {
  std::vector<unsam::RandomPrompt> owned;
  std::vector<unsam::Prompt> prompts;
};

// Prompts of unequal token counts: with and without granularity and mask, mask alone, up to six points.
Batch random_batch(std::mt19937_64& random, std::size_t side, std::size_t count, bool granularity);
// Prompts of so many points each: clicks, boxes' corners, ignored points; with and without granularity and mask.
Batch long_batch(std::mt19937_64& random, std::size_t side, std::initializer_list<std::size_t> points, bool granularity);

struct Worst {
  double logits = 0, score = 0;
  // Raised to what `got` is off by.
  void compare(const unsam::DecodedMasks& got, const reference::Output& want, std::size_t side, bool granularity, bool multimask);
  // Of an answer with every mask.
  void compare_every(const unsam::DecodedMasks& got, const reference::Output& want, std::size_t side, bool granularity);
  // Prints them and checks that neither is above the limit.
  void check(double limit) const;
};

}  // namespace test
