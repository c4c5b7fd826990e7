#include "random_model.h"

#include <cmath>

namespace unsam {

RandomModel::RandomModel(std::uint64_t seed, bool granularity) : RandomTensors(seed) {
  const auto linear = [&](const std::string& name, std::size_t out, std::size_t in) {
    add_normal(name + ".weight", {out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
    add_normal(name + ".bias", {out}, 0.1f);
  };
  const auto norm = [&](const std::string& name, std::size_t n) {
    add_normal(name + ".weight", {n}, 0.2f, 1.0f);
    add_normal(name + ".bias", {n}, 0.2f);
  };
  const auto attention = [&](const std::string& name, std::size_t inner) {
    for (const char* part : {".q_proj", ".k_proj", ".v_proj"}) linear(name + part, inner, 256);
    linear(name + ".out_proj", 256, inner);
  };
  const auto mlp = [&](const std::string& name, std::size_t out) {
    linear(name + ".layers.0", 256, 256);
    linear(name + ".layers.1", 256, 256);
    linear(name + ".layers.2", out, 256);
  };
  const std::string decoder = "sam_mask_decoder.", transformer = decoder + "transformer.";
  for (int i = 0; i < 2; ++i) {
    const std::string layer = transformer + "layers." + std::to_string(i);
    attention(layer + ".self_attn", 256);
    attention(layer + ".cross_attn_token_to_image", 128);
    attention(layer + ".cross_attn_image_to_token", 128);
    linear(layer + ".mlp.layers.0", 2048, 256);
    linear(layer + ".mlp.layers.1", 256, 2048);
    for (const char* n : {".norm1", ".norm2", ".norm3", ".norm4"}) norm(layer + n, 256);
  }
  attention(transformer + "final_attn_token_to_image", 128);
  norm(transformer + "norm_final_attn", 256);
  add_normal(decoder + "obj_score_token.weight", {1, 256}, 1.0f);
  add_normal(decoder + "iou_token.weight", {1, 256}, 1.0f);
  add_normal(decoder + "mask_tokens.weight", {4, 256}, 1.0f);
  add_normal(decoder + "output_upscaling.0.weight", {256, 64, 2, 2}, 1.0f / 16);
  add_normal(decoder + "output_upscaling.0.bias", {64}, 0.1f);
  norm(decoder + "output_upscaling.1", 64);
  add_normal(decoder + "output_upscaling.3.weight", {64, 32, 2, 2}, 1.0f / 8);
  add_normal(decoder + "output_upscaling.3.bias", {32}, 0.1f);
  mlp(decoder + "iou_prediction_head", 4);
  mlp(decoder + "pred_obj_score_head", 1);
  for (int i = 0; i < 4; ++i) mlp(decoder + "output_hypernetworks_mlps." + std::to_string(i), 32);
  const std::string prompt = "sam_prompt_encoder.";
  add_normal(prompt + "pe_layer.positional_encoding_gaussian_matrix", {2, 128}, 1.0f);
  for (int i = 0; i < 4; ++i) add_normal(prompt + "point_embeddings." + std::to_string(i) + ".weight", {1, 256}, 1.0f);
  add_normal(prompt + "not_a_point_embed.weight", {1, 256}, 1.0f);
  add_normal(prompt + "no_mask_embed.weight", {1, 256}, 0.5f);
  add_normal(prompt + "mask_downscaling.0.weight", {4, 1, 2, 2}, 0.5f);
  add_normal(prompt + "mask_downscaling.0.bias", {4}, 0.1f);
  norm(prompt + "mask_downscaling.1", 4);
  add_normal(prompt + "mask_downscaling.3.weight", {16, 4, 2, 2}, 0.25f);
  add_normal(prompt + "mask_downscaling.3.bias", {16}, 0.1f);
  norm(prompt + "mask_downscaling.4", 16);
  add_normal(prompt + "mask_downscaling.6.weight", {256, 16, 1, 1}, 0.25f);
  add_normal(prompt + "mask_downscaling.6.bias", {256}, 0.1f);
  if (granularity) {
    add_normal(decoder + "gra_token.weight", {1, 256}, 1.0f);
    mlp(decoder + "gra_output_token_mlp", 32);
    linear(prompt + "fourier_embedder.mlp.mlp.0", 192, 128);
    linear(prompt + "fourier_embedder.mlp.mlp.3", 192, 192);
    linear(prompt + "fourier_embedder.mlp.mlp.6", 256, 192);
    add_normal(prompt + "granularity_embedding.weight", {1, 256}, 1.0f);
  }
}

DecoderWeights RandomModel::weights() const { return DecoderWeights(tensors()); }

RandomFeatures::RandomFeatures(std::uint64_t seed, std::size_t s) : side(s) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  embed.resize(256 * s * s);
  high0.resize(32 * 16 * s * s);
  high1.resize(64 * 4 * s * s);
  for (auto* v : {&embed, &high0, &high1}) {
    for (float& x : *v) x = normal(random);
  }
}

RandomPrompt::RandomPrompt(std::mt19937_64& random, std::size_t side, std::size_t points, bool with_granularity,
                           bool with_mask) {
  const float network = static_cast<float>(16 * side);
  std::uniform_real_distribution<float> place(0.0f, network);
  for (std::size_t i = 0; i < points; ++i) {
    coords.push_back(place(random));
    coords.push_back(place(random));
    labels.push_back(static_cast<std::int32_t>(random() % 4));
  }
  if (points > 0) {
    coords.insert(coords.end(), {0.0f, 0.0f});
    labels.push_back(-1);
  }
  if (with_granularity) granularity = std::uniform_real_distribution<float>(0.1f, 1.0f)(random);
  if (with_mask) {
    std::normal_distribution<float> normal(0.0f, 5.0f);
    mask.resize(16 * side * side);
    for (float& x : mask) x = normal(random);
  }
}

Prompt RandomPrompt::view() const { return {coords, labels, granularity, mask}; }

}  // namespace unsam
