// Decodes one group of prompts: the two-way transformer's token side, the passes over the image between, and the heads.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "decoder/cpu/image_passes.h"
#include "decoder/cpu/long_prompts.h"
#include "decoder/cpu/prompt_matrices.h"
#include "decoder/cpu/workspace.h"

namespace unsam {

class GroupDecoder {
 public:
  // In float32 when bf16 is null; `mixtures` are PromptMatrices::of_mixtures.
  GroupDecoder(const Folded& folded, const TermMatrices& mixtures, const Kernels& kernels, const Bfloat16Kernels* bf16,
               const PreparedImage& image, Workspace& workspace, ThreadTeam& team);

  // Of the next prompts, how many make up a group: at least one.
  std::size_t group_size(std::span<const Prompt> prompts) const;
  // Tokens of the group decoded last.
  std::size_t rows() const { return rows_; }
  // At most a group; one result each.
  void decode(std::span<const Prompt> prompts, const DecodeOptions& options, std::span<DecodedMasks> results);

 private:
  using Pass = void (ImagePasses::*)(PromptWork&, std::size_t, PassScratch&) const;
  using Merge = void (PromptMatrices::*)(PromptWork&, std::size_t, std::size_t, float*) const;
  void begin(std::span<const Prompt> prompts, const DecodeOptions& options);
  void embed_masks();
  void self_attention(const TokenLayer& layer, bool first);
  void by_rows(std::size_t rows, const std::function<void(std::size_t first, std::size_t count)>& task);
  void over_image(const std::vector<PromptWork*>& prompts, Pass pass);
  void merge(const std::vector<PromptWork*>& prompts, Merge of_head);
  void after_image_attention(const TokenLayer& layer, const float* attention);
  void add_position();
  void normalise(const LayerNorm& norm, const float* update);
  void heads(const DecodeOptions& options);
  DecodedMasks every(PromptWork& work) const;

  const Folded& folded_;
  const TermMatrices& mixtures_;
  const Kernels& kernels_;
  const PreparedImage& image_;
  Workspace& ws_;
  ThreadTeam& team_;
  const ImagePasses passes_;
  const PromptMatrices matrices_;
  LongPrompts long_;
  std::vector<PromptWork*> short_, all_;  // of the group
  std::size_t count_ = 0, rows_ = 0;
};

}  // namespace unsam
