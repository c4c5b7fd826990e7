#include "random_memory.h"

#include <cmath>
#include <random>

namespace unsam {

MemoryPlan published_memory() { return {1024, 256, 64, 4, 2048, 10000, 2, 1024, true}; }

RandomMemory::RandomMemory(std::uint64_t seed, const MemoryPlan& given) : plan(given) {
  std::mt19937_64 random(seed);
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, float scale, float middle = 0.0f) {
    std::size_t count = 1;
    for (const std::size_t n : shape) count *= n;
    std::uniform_real_distribution<float> distribution(-1.0f, 1.0f);
    std::vector<float>& data = values[name];
    data.resize(count);
    for (float& x : data) x = middle + scale * distribution(random);
    shapes[name] = std::move(shape);
  };
  const auto layer = [&](const std::string& name, std::vector<std::size_t> shape) {
    std::size_t inputs = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
    const std::size_t out = shape[0];
    add(name + ".weight", std::move(shape), std::sqrt(3.0f / static_cast<float>(inputs)));
    add(name + ".bias", {out}, 0.3f);
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

TensorMap RandomMemory::tensors() const {
  TensorMap map;
  for (const auto& [name, data] : values) map.emplace(name, TensorView{data, shapes.at(name)});
  return map;
}

std::vector<float> RandomMemory::numbers(std::uint64_t seed, std::size_t count, float scale) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> all(count);
  for (float& x : all) x = normal(random);
  return all;
}

RandomFeed::RandomFeed(std::uint64_t seed, const MemoryPlan& plan, std::size_t frames, std::size_t tokens) {
  const std::size_t m = plan.memory_width, side = plan.image_size / 16;
  memory = RandomMemory::numbers(seed, frames * side * side * m, 2.0f);
  times = RandomMemory::numbers(seed + 1, frames * m);
  pointers = RandomMemory::numbers(seed + 2, tokens * m, 2.0f);
  pointer_times = RandomMemory::numbers(seed + 3, tokens * m);
}

}  // namespace unsam
