#include "random_memory.h"

namespace unsam {

MemoryPlan published_memory() { return {1024, 256, 64, 4, 2048, 10000, 2, 1024, true}; }

RandomMemory::RandomMemory(std::uint64_t seed, const MemoryPlan& given) : RandomTensors(seed), plan(given) {
  const auto layer = [&](const std::string& name, const std::vector<std::size_t>& shape) {
    add_weight(name + ".weight", shape);
    add(name + ".bias", {shape[0]}, 0.3f);
  };
  const auto norm = [&](const std::string& name, std::size_t n) {
    add(name + ".weight", {n}, 0.5f, 1.0f);
    add(name + ".bias", {n}, 0.3f);
  };
  const std::size_t d = plan.width, m = plan.memory_width;
  for (std::size_t i = 0; i < plan.layers; ++i) {
    const std::string name = "memory_attention.layers." + std::to_string(i) + ".";
    for (const auto& [attention, in] : {std::pair<std::string, std::size_t>{"self_attn.", d}, {"cross_attn_image.", m}}) {
      layer(name + attention + "q_proj", {d, d});
      layer(name + attention + "k_proj", {d, in});
      layer(name + attention + "v_proj", {d, in});
      layer(name + attention + "out_proj", {d, d});
    }
    layer(name + "linear1", {plan.feed_forward, d});
    layer(name + "linear2", {d, plan.feed_forward});
    for (const char* which : {"norm1", "norm2", "norm3"}) norm(name + which, d);
  }
  norm("memory_attention.norm", d);
  const std::string encoder = "memory_encoder.", sampler = encoder + "mask_downsampler.encoder.";
  const std::size_t channels[] = {1, 4, 16, 64, d};
  for (std::size_t i = 0; i < 4; ++i) {
    layer(sampler + std::to_string(3 * i), {channels[i + 1], channels[i], 3, 3});
    norm(sampler + std::to_string(3 * i + 1), channels[i + 1]);
  }
  layer(sampler + "12", {d, d, 1, 1});
  layer(encoder + "pix_feat_proj", {d, d, 1, 1});
  for (std::size_t i = 0; i < plan.fuser_layers; ++i) {
    const std::string name = encoder + "fuser.layers." + std::to_string(i) + ".";
    layer(name + "dwconv", {d, 1, 7, 7});
    norm(name + "norm", d);
    layer(name + "pwconv1", {plan.fuser_hidden, d});
    layer(name + "pwconv2", {d, plan.fuser_hidden});
    add(name + "gamma", {d}, 0.5f, 0.5f);
  }
  layer(encoder + "out_proj", {m, d, 1, 1});
  if (plan.absent_embedding) add("no_obj_embed_spatial", {1, m}, 1.0f);
}

RandomFeed::RandomFeed(std::uint64_t seed, const MemoryPlan& plan, std::size_t frames, std::size_t tokens) {
  const std::size_t m = plan.memory_width, side = plan.image_size / 16;
  memory = normal_values(seed, frames * side * side * m, 2.0f);
  times = normal_values(seed + 1, frames * m);
  pointers = normal_values(seed + 2, tokens * m, 2.0f);
  pointer_times = normal_values(seed + 3, tokens * m);
}

}  // namespace unsam
