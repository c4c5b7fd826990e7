// An image encoder of any shape with seeded random weights: for benchmarks and tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "random_tensors.h"
#include "unsam/encoder.h"

namespace unsam {

// Sizes in the terms of the official configuration.
struct EncoderSizes {
  std::size_t image_size, embed_dim, heads;
  std::size_t stages[4], windows[4];
  std::vector<std::size_t> global_blocks;
  double width_factor = 2, head_factor = 2, mlp_ratio = 4;
  std::size_t kernel = 7, padding = 3;
  std::size_t neck_width = 256;
  bool top_down[3] = {false, false, true};
  bool average = false, add_no_memory = true;
  double norm_eps = 1e-6;
};

EncoderSizes official_encoder(const std::string& size);  // tiny, small, base-plus, large
EncoderPlan plan_of(const EncoderSizes& sizes);

struct RandomEncoder : RandomTensors {
  RandomEncoder(std::uint64_t seed, const EncoderPlan& plan);
  // Every matrix loaded.
  std::unique_ptr<ImageEncoder> make(Precision precision) const;
  std::vector<float> pixels(std::uint64_t seed) const;

  EncoderPlan plan;
};

}  // namespace unsam
