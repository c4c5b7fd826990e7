// Decodes one group of prompts: the two-way transformer's token side, the passes over the image between, and the heads.
#pragma once

#include <span>
#include <vector>

#include "decoder/cpu/image_passes.h"
#include "decoder/cpu/prompt_matrices.h"
#include "decoder/cpu/workspace.h"

namespace unsam {

class GroupDecoder {
 public:
  // In float32 when bf16 is null.
  GroupDecoder(const Folded& folded, const Kernels& kernels, const Bfloat16Kernels* bf16, const PreparedImage& image,
               Workspace& workspace, Crew& crew);

  // At most kGroupPrompts prompts; one result each.
  void decode(std::span<const Prompt> prompts, bool multimask, std::span<DecodedMasks> results);

 private:
  using Pass = void (ImagePasses::*)(PromptWork&, std::size_t, PassScratch&) const;
  using Merge = void (PromptMatrices::*)(PromptWork&, std::size_t, std::size_t, float*) const;
  void begin(std::span<const Prompt> prompts, bool multimask);
  void embed_masks();
  void self_attention(const TokenLayer& layer, bool first);
  void over_image(Pass pass);
  void merge(Merge of_head);
  void after_image_attention(const TokenLayer& layer, const float* attention);
  void add_position();
  void heads(bool multimask);

  const Folded& folded_;
  const Kernels& kernels_;
  const PreparedImage& image_;
  Workspace& ws_;
  Crew& crew_;
  const ImagePasses passes_;
  const PromptMatrices matrices_;
  std::size_t count_ = 0, rows_ = 0;
};

}  // namespace unsam
