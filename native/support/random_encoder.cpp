#include "random_encoder.h"

#include <algorithm>

namespace unsam {

EncoderSizes official_encoder(const std::string& size) {
  if (size == "tiny") return {1024, 96, 1, {1, 2, 7, 2}, {8, 4, 14, 7}, {5, 7, 9}};
  if (size == "base-plus") return {1024, 112, 2, {2, 3, 16, 3}, {8, 4, 14, 7}, {12, 16, 20}};
  if (size == "large") return {1024, 144, 2, {2, 6, 36, 4}, {8, 4, 16, 8}, {23, 33, 43}};
  return {1024, 96, 1, {1, 2, 11, 2}, {8, 4, 14, 7}, {7, 10, 13}};
}

EncoderPlan plan_of(const EncoderSizes& sizes) {
  EncoderPlan plan{.image_size = sizes.image_size,
                   .embed_dim = sizes.embed_dim,
                   .patch_kernel = {sizes.kernel, sizes.kernel},
                   .patch_padding = {sizes.padding, sizes.padding},
                   .norm_eps = sizes.norm_eps,
                   .blocks = {},
                   .neck_width = sizes.neck_width,
                   .top_down = {sizes.top_down[0], sizes.top_down[1], sizes.top_down[2]},
                   .average = sizes.average,
                   .add_no_memory = sizes.add_no_memory};
  std::size_t width = sizes.embed_dim, heads = sizes.heads;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    for (std::size_t i = 0; i < sizes.stages[stage]; ++i) {
      const bool first = stage > 0 && i == 0;
      if (first) {
        width = static_cast<std::size_t>(static_cast<double>(width) * sizes.width_factor);
        heads = static_cast<std::size_t>(static_cast<double>(heads) * sizes.head_factor);
      }
      const bool global = std::ranges::find(sizes.global_blocks, plan.blocks.size()) != sizes.global_blocks.end();
      plan.blocks.push_back({width, heads, static_cast<std::size_t>(static_cast<double>(width) * sizes.mlp_ratio),
                             global ? 0 : sizes.windows[first ? stage - 1 : stage], first});
    }
  }
  return plan;
}

RandomEncoder::RandomEncoder(std::uint64_t seed, const EncoderPlan& given) : RandomTensors(seed), plan(given) {
  const auto linear = [&](const std::string& name, const std::vector<std::size_t>& shape) {
    add(name + ".bias", {shape[0]}, 0.1f);
    add_weight(name + ".weight", shape);
  };
  const auto norm = [&](const std::string& name, std::size_t n) {
    add(name + ".weight", {n}, 0.2f, 1.0f);
    add(name + ".bias", {n}, 0.1f);
  };
  const std::string trunk = "image_encoder.trunk.";
  linear(trunk + "patch_embed.proj", {plan.embed_dim, 3, plan.patch_kernel[0], plan.patch_kernel[1]});
  const std::size_t side = plan.image_size / 4;
  add(trunk + "position_embedding", {side * side, plan.embed_dim}, 0.5f);
  std::size_t width = plan.embed_dim;
  std::vector<std::size_t> levels;
  for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
    const EncoderBlock& b = plan.blocks[i];
    const std::string name = trunk + "blocks." + std::to_string(i) + ".";
    if (b.pools) levels.push_back(width);
    norm(name + "norm1", width);
    norm(name + "norm2", b.width);
    linear(name + "attn.qkv", {3 * b.width, width});
    linear(name + "attn.proj", {b.width, b.width});
    linear(name + "mlp.layers.0", {b.hidden, b.width});
    linear(name + "mlp.layers.1", {b.width, b.hidden});
    if (b.width != width) linear(name + "proj", {b.width, width});
    width = b.width;
  }
  levels.push_back(width);
  const std::size_t d = plan.neck_width;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    linear("image_encoder.neck.convs." + std::to_string(3 - level) + ".conv", {d, levels[level], 1, 1});
  }
  linear("sam_mask_decoder.conv_s0", {d / 8, d, 1, 1});
  linear("sam_mask_decoder.conv_s1", {d / 4, d, 1, 1});
  add("no_mem_embed", {1, 1, d}, 0.5f);
}

std::unique_ptr<ImageEncoder> RandomEncoder::make(Precision precision) const {
  auto encoder = std::make_unique<ImageEncoder>(plan, tensors(), precision);
  for (const std::string& name : encoder->matrices()) encoder->load(name, view(name));
  return encoder;
}

std::vector<float> RandomEncoder::pixels(std::uint64_t seed) const {
  return normal_values(seed, 3 * plan.image_size * plan.image_size);
}

}  // namespace unsam
