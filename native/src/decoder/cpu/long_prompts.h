// The passes over the image of prompts with many tokens, in the order that never holds more of an attention than one block
// of scores (order.h): after an image token has attended to the prompt, it keeps the mixture of the tokens' values, kInner
// numbers, and the products with the other terms are those of all such prompts (PromptMatrices::of_mixtures).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "decoder/cpu/image_passes.h"
#include "parallel/thread_team.h"

namespace unsam {

class LongPrompts {
 public:
  LongPrompts(const ImagePasses& passes, ThreadTeam& team, std::vector<PassScratch>& scratch)
      : passes_(passes), team_(team), scratch_(scratch) {}

  // Who takes part in what follows.
  void clear() { prompts_.clear(); }
  void add(PromptWork& work) { prompts_.push_back(&work); }

  // Rows are those of all the group's tokens; each prompt's begin at its first_row.

  // mixed [rows][kDim] = multi-head attention of q, k, v [rows][kDim].
  void self_attention(const float* q, const float* k, const float* v, float* mixed);
  // Token->image attention of layer 0, as attention [rows][kInner] before its output projection.
  void attend0(float* attention);
  // Image->token attention of layer 0 with its norm, and token->image attention of layer 1.
  void attend1(const float* keys, const float* values, float* attention);
  // Image->token attention of layer 1; ImagePasses::attend_final does the rest.
  void attend_final(const float* keys, const float* values);

 private:
  using Items = std::size_t (LongPrompts::*)(const PromptWork&) const;
  using Task = std::function<void(PromptWork&, std::size_t item, PassScratch&)>;
  void over(Items items_of, const Task& task);
  std::size_t token_blocks(const PromptWork& work) const;
  std::size_t token_heads(const PromptWork& work) const { return token_blocks(work) * kHeads; }
  std::size_t image_blocks(const PromptWork&) const { return passes_.image.blocks; }
  std::size_t image_heads(const PromptWork&) const { return passes_.image.blocks * kHeads; }

  // A head's keys and values, as Attend takes them.
  struct Memory {
    const float* keys;
    std::size_t keys_block;
    const float* values;
    std::size_t values_block;
    std::size_t count;
  };
  void store_tokens(std::size_t width, const float* keys, const float* values);
  void ask(const PromptWork& work, std::size_t item, std::size_t d, float scale, const float* queries, const Memory& memory,
           const float* shift, float* out) const;
  void image_to_tokens(const PromptWork& work, std::size_t item, const float* queries, float* out) const;

  const ImagePasses& passes_;
  ThreadTeam& team_;
  std::vector<PassScratch>& scratch_;
  std::vector<PromptWork*> prompts_;
};

}  // namespace unsam
