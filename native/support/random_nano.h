// A nano network of any shape with seeded random weights: for benchmarks and tests.
#pragma once

#include <cstdint>
#include <vector>

#include "random_tensors.h"
#include "unsam/nano.h"

namespace unsam {

struct NanoSizes {
  std::size_t stem[2];
  std::size_t widths[4];  // of the stages
  std::size_t blocks[4];
  std::size_t inner[4];   // channels inside of a stage's blocks
  std::size_t lateral[4], smooth[4];
  std::size_t metric;
};

// The sizes of the model that comes with the package.
NanoSizes published_nano();

struct RandomNano : RandomTensors {
  RandomNano(std::uint64_t seed, const NanoSizes& sizes);
  // [4, height, width]
  static std::vector<float> pixels(std::uint64_t seed, std::size_t width, std::size_t height);

  NanoSizes sizes;
};

}  // namespace unsam
