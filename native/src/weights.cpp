#include "unsam/weights.h"

#include <limits>

#include "cpu/layout.h"
#include "tensor_shape.h"
#include "unsam/error.h"

namespace unsam {

DecoderWeights::DecoderWeights(TensorMap tensors) : tensors_(std::move(tensors)) {
  has_granularity_ = tensors_.contains("sam_mask_decoder.gra_token.weight");
  object_score_mlp_ = tensors_.contains("sam_mask_decoder.pred_obj_score_head.layers.0.weight");

  const std::string decoder = "sam_mask_decoder.";
  const std::string transformer = decoder + "transformer.";
  const auto attention = [&](const std::string& name, std::size_t inner) {
    for (const char* part : {".q_proj", ".k_proj", ".v_proj"}) require_linear(transformer + name + part, inner, kDim);
    require_linear(transformer + name + ".out_proj", kDim, inner);
  };
  const auto norm = [&](const std::string& name, std::size_t n) {
    require(name + ".weight", {n});
    require(name + ".bias", {n});
  };
  for (const char* layer : {"layers.0", "layers.1"}) {
    const std::string prefix(layer);
    attention(prefix + ".self_attn", kDim);
    attention(prefix + ".cross_attn_token_to_image", kInner);
    attention(prefix + ".cross_attn_image_to_token", kInner);
    require_linear(transformer + prefix + ".mlp.layers.0", kMlp, kDim);
    require_linear(transformer + prefix + ".mlp.layers.1", kDim, kMlp);
    for (const char* n : {".norm1", ".norm2", ".norm3", ".norm4"}) norm(transformer + prefix + n, kDim);
  }
  attention("final_attn_token_to_image", kInner);
  norm(transformer + "norm_final_attn", kDim);

  require(decoder + "obj_score_token.weight", {1, kDim});
  require(decoder + "iou_token.weight", {1, kDim});
  require(decoder + "mask_tokens.weight", {kMaskTokens, kDim});
  require(decoder + "output_upscaling.0.weight", {kDim, kUp1, 2, 2});
  require(decoder + "output_upscaling.0.bias", {kUp1});
  norm(decoder + "output_upscaling.1", kUp1);
  require(decoder + "output_upscaling.3.weight", {kUp1, kUp0, 2, 2});
  require(decoder + "output_upscaling.3.bias", {kUp0});
  require_mlp(decoder + "iou_prediction_head", kMaskTokens);
  if (object_score_mlp_) {
    require_mlp(decoder + "pred_obj_score_head", 1);
  } else {
    require_linear(decoder + "pred_obj_score_head", 1, kDim);
  }
  if (has_granularity_) {
    require(decoder + "gra_token.weight", {1, kDim});
    require_mlp(decoder + "gra_output_token_mlp", kUp0);
  } else {
    for (std::size_t i = 0; i < kMaskTokens; ++i) {
      require_mlp(decoder + "output_hypernetworks_mlps." + std::to_string(i), kUp0);
    }
  }

  const std::string prompt = "sam_prompt_encoder.";
  require(prompt + "pe_layer.positional_encoding_gaussian_matrix", {2, kDim / 2});
  for (int i = 0; i < 4; ++i) require(prompt + "point_embeddings." + std::to_string(i) + ".weight", {1, kDim});
  require(prompt + "not_a_point_embed.weight", {1, kDim});
  require(prompt + "no_mask_embed.weight", {1, kDim});
  require(prompt + "mask_downscaling.0.weight", {4, 1, 2, 2});
  require(prompt + "mask_downscaling.0.bias", {4});
  norm(prompt + "mask_downscaling.1", 4);
  require(prompt + "mask_downscaling.3.weight", {kMaskChannels, 4, 2, 2});
  require(prompt + "mask_downscaling.3.bias", {kMaskChannels});
  norm(prompt + "mask_downscaling.4", kMaskChannels);
  require(prompt + "mask_downscaling.6.weight", {kDim, kMaskChannels, 1, 1});
  require(prompt + "mask_downscaling.6.bias", {kDim});
  if (has_granularity_) {
    require_linear(prompt + "fourier_embedder.mlp.mlp.0", 192, 128);
    require_linear(prompt + "fourier_embedder.mlp.mlp.3", 192, 192);
    require_linear(prompt + "fourier_embedder.mlp.mlp.6", kDim, 192);
    require(prompt + "granularity_embedding.weight", {1, kDim});
  }
}

void DecoderWeights::require(const std::string& name, std::initializer_list<std::size_t> shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(ErrorCode::bad_checkpoint, "The weights lack the tensor \"" + name +
                                               "\"; use a SAM 2 or UnSAMv2 checkpoint with LoRA already folded in.");
  }
  const TensorView& tensor = found->second;
  if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
    throw Error(ErrorCode::bad_checkpoint, "The tensor \"" + name + "\" has shape " + shape_text(tensor.shape) +
                                               " where the decoder needs " + shape_text(shape) + ".");
  }
  const std::size_t count = value_count(shape);
  if (tensor.data.size() != count) {
    throw Error(ErrorCode::bad_checkpoint, "The tensor \"" + name + "\" holds " + std::to_string(tensor.data.size()) +
                                               " values, but its shape " + shape_text(shape) + " needs " +
                                               std::to_string(count) + ".");
  }
}

void DecoderWeights::require_linear(const std::string& prefix, std::size_t out, std::size_t in) const {
  require(prefix + ".weight", {out, in});
  require(prefix + ".bias", {out});
}

void DecoderWeights::require_mlp(const std::string& prefix, std::size_t out) const {
  require_linear(prefix + ".layers.0", kDim, kDim);
  require_linear(prefix + ".layers.1", kDim, kDim);
  require_linear(prefix + ".layers.2", out, kDim);
}

const float* DecoderWeights::get(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw Error(ErrorCode::bad_checkpoint, "The weights lack the tensor \"" + name + "\".");
  }
  return found->second.data.data();
}

}  // namespace unsam
