// A decoder of the official shape with seeded random weights, random features and clicks: for benchmarks and for tests
// that need any size.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "random_tensors.h"
#include "unsam/decoder.h"

namespace unsam {

struct RandomModel : RandomTensors {
  // granularity: UnSAMv2, else plain SAM 2. Scales keep activations of order one through all layers.
  RandomModel(std::uint64_t seed, bool granularity);
  DecoderWeights weights() const;
};

struct RandomFeatures {
  RandomFeatures(std::uint64_t seed, std::size_t side);
  ImageFeatures view() const { return {side, embed, high0, high1}; }

  std::size_t side;
  std::vector<float> embed, high0, high1;
};

struct RandomPrompt {
  // `points` clicks and the padding point.
  RandomPrompt(std::mt19937_64& random, std::size_t side, std::size_t points, bool granularity, bool mask);
  Prompt view() const;

  std::vector<float> coords, mask;
  std::vector<std::int32_t> labels;
  std::optional<float> granularity;
};

}  // namespace unsam
