// The network's weights, packed.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "encoder/cpu/kernels.h"
#include "encoder/cpu/linear.h"
#include "unsam/weights.h"

namespace unsam::nano {

// Layers of 3 x 3 at stride 1 on maps of even sides may be computed with fewer products: 16 for 2 x 2 positions.
inline constexpr std::size_t kWinograd = 16;

// One convolution. Its depth is [kernel][kernel][in], `in` with the zeros that maps have behind their channels.
struct ConvolutionWeights {
  std::size_t out = 0, in = 0, kernel = 0, stride = 1;
  std::size_t channels = 0;  // of the map that it makes: whole vectors
  encoder::Linear<float> linear;  // no panels where there are products of Winograd's
  // [in] to [out], for each of the 4 x 4 positions of a transformed tile; empty: computed as it is.
  std::vector<encoder::Linear<float>> winograd;
};

struct Weights {
  // Throws Error(bad_checkpoint).
  Weights(const encoder::Kernels& kernels, const TensorMap& tensors);

  ConvolutionWeights stem[2];
  struct Stage {
    ConvolutionWeights down;
    std::vector<std::pair<ConvolutionWeights, ConvolutionWeights>> blocks;
  };
  static constexpr std::size_t kStages = 4;
  Stage stages[kStages];
  ConvolutionWeights lateral[kStages], smooth[kStages];
  // below[k]: what level k adds at twice its size; the top of the network, or `reduce` of the level after k.
  ConvolutionWeights below[kStages];
  // border and height, then the metric, from the finest level; and what the input's colours add to the same channels.
  ConvolutionWeights heads, colour;
  std::size_t dimensions = 0;  // of the metric
  std::size_t bytes = 0;
};

}  // namespace unsam::nano
