#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace unsam {

// A float32 tensor in C order; the memory belongs to the caller.
struct TensorView {
  std::span<const float> data;
  std::vector<std::size_t> shape;
};

// Tensors under their official names (`sam_mask_decoder.…`, `sam_prompt_encoder.…`), LoRA already folded in.
// Names that the decoder does not use are allowed.
using TensorMap = std::map<std::string, TensorView, std::less<>>;

// The prompt encoder's and mask decoder's weights, checked for presence and shape. Borrows the tensors' memory: keep it
// until the Decoder has been built.
class DecoderWeights {
 public:
  // Throws Error(bad_checkpoint) for a missing tensor, a wrong shape, or a size that does not fit the shape.
  explicit DecoderWeights(TensorMap tensors);

  // UnSAMv2: there is a granularity mask token and a granularity encoder. Otherwise plain SAM 2.
  bool has_granularity() const noexcept { return has_granularity_; }
  // The object score comes from a three-layer MLP (else from one linear layer).
  bool object_score_mlp() const noexcept { return object_score_mlp_; }

  // Throws Error(bad_checkpoint) for a name that was not checked at construction and does not exist.
  const float* get(const std::string& name) const;

 private:
  void require(const std::string& name, std::initializer_list<std::size_t> shape) const;
  void require_linear(const std::string& prefix, std::size_t out, std::size_t in) const;
  void require_mlp(const std::string& prefix, std::size_t out) const;

  TensorMap tensors_;
  bool has_granularity_ = false;
  bool object_score_mlp_ = true;
};

}  // namespace unsam
