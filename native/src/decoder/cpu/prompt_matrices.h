// The small per-prompt matrices the passes over the image multiply with, from the token side's queries, keys and values
// (derivation: folded.h).
#pragma once

#include "cpu/kernels.h"
#include "decoder/folded.h"
#include "decoder/cpu/prompt_work.h"

namespace unsam {

struct PromptMatrices {
  const Folded& folded;
  const Kernels& kernels;
  const Bfloat16Kernels* bf16;  // null: float32

  // The matrices of all long prompts: those of sixteen tokens whose values are the unit vectors of every head.
  TermMatrices of_mixtures() const;

  // Sizes every buffer for `tokens`, `columns`, `blocks`, `chunks`.
  void reserve(PromptWork& work, std::size_t blocks, std::size_t chunks) const;

  // Short prompts: panel p of from_value1 / from_value2.
  void expand(const Linear& map, const float* value, std::size_t panel, PromptWork& work, Buffer<float>& out) const;

  // Short prompts, before attend1, after expanding value1.
  static constexpr std::size_t kLayer0Tasks = 2;
  void layer0(PromptWork& work, std::size_t task) const;
  // Before attend_final; short prompts: after expanding value2.
  static constexpr std::size_t kLayer1Tasks = 4, kLastScores = 3;
  void layer1(PromptWork& work, std::size_t task) const;  // short prompts; the task kLastScores for all

  // Merge the chunks' softmaxes of one head (the first two: of short prompts): its columns of the attention output [tokens][kInner], before the output
  // projection.
  void merge0(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const;
  void merge1(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const;
  void merge_final(PromptWork& work, std::size_t head, std::size_t chunks, float* out) const;
};

}  // namespace unsam
