// The weights of memory attention and memory encoder, packed.
#pragma once

#include <cstddef>
#include <vector>

#include "decoder/cpu/buffer.h"
#include "encoder/cpu/kernels.h"
#include "encoder/cpu/linear.h"
#include "unsam/memory.h"

namespace unsam::memory {

using encoder::Linear;

// A layer of memory attention. Norms are folded into what follows them. Outputs of queries and keys are sorted: the first of each pair
// that is turned together, then the second; queries are scaled for exponentials to the base 2. Attention is linear in the values, so
// it sums what is attended to, normalised features or memories, and value and output projection are one product behind it.
struct LayerWeights {
  Linear<float> self_query, self_key, self_out;     // d to d
  Linear<float> cross_query, cross_key, cross_out;  // d to d, m to d, m to d
  Linear<float> first, second;
};

// A convolution 3 x 3 with stride 2, LayerNorm over channels and GELU.
struct DownsamplingWeights {
  std::size_t out = 0, in = 0;
  std::size_t channels = 0;  // of a position on the outgoing map
  Linear<float> linear;      // depth [3][3][channels of the incoming map]
  Buffer<float> gain, offset;
};

// A block of ConvNeXt; LayerNorm is folded into `first`, the scale of channels into `second`.
struct FuserWeights {
  Buffer<float> depthwise, bias;  // [7][7][padded(d)], [padded(d)]
  Linear<float> first, second;
};

inline constexpr std::size_t kDownsamplings = 4, kFuserKernel = 7;

struct Weights {
  // Throws Error(bad_checkpoint).
  Weights(const MemoryPlan& plan, const encoder::Kernels& kernels, const TensorMap& tensors);

  std::vector<LayerWeights> layers;
  Buffer<float> gain, offset;  // of the norm behind the last layer
  DownsamplingWeights downsampling[kDownsamplings];
  Linear<float> mask, features;  // both biases are in `features`
  std::vector<FuserWeights> fuser;
  Linear<float> out;
  std::vector<float> absent;  // [m], zeros where the model has none
  std::size_t bytes = 0;
};

// Channels between the positions of a map of d channels: no power of two.
constexpr std::size_t map_channels(std::size_t width) { return encoder::padded(width) + encoder::kPad; }

}  // namespace unsam::memory
