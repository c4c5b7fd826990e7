// One run of the network: the maps between its layers, and the items of work that make one from the other.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "encoder/cpu/feature_map.h"
#include "encoder/cpu/kernels.h"
#include "nano/cpu/weights.h"
#include "parallel/items.h"
#include "unsam/nano.h"

namespace unsam::nano {

using encoder::FeatureMap;

// Memory of one thread.
struct Scratch {
  FeatureMap first, second, third;
  Buffer<float> tiles, products;  // of Winograd's, [16][tiles][channels]
};

class Encoding : Items<Scratch> {
 public:
  Encoding(const encoder::Kernels& kernels, const Weights& weights, ThreadTeam& team, const std::function<bool()>& cancelled)
      : Items(team, cancelled), kernels_(kernels), weights_(weights) {}

  // False: cancelled.
  bool run(const NanoInput& input, NanoCues& cues);

 private:
  bool read_pixels(const NanoInput& input);
  bool stem();
  bool stage(std::size_t k);
  // out = layer(in) on the whole map, in items of some lines and one panel of channels.
  bool layer(const ConvolutionWeights& layer, const FeatureMap& in, FeatureMap& out, bool add, bool relu);
  // The same by Winograd's products, where ReLU always follows: all lines, or lines [first, first + 2 pairs), tiles [x, x + tiles) of a line.
  bool winograd_layer(const ConvolutionWeights& layer, const FeatureMap& in, FeatureMap& out, bool add);
  void winograd(const ConvolutionWeights& layer, const FeatureMap& in, std::size_t first, std::size_t pairs, std::size_t x,
                std::size_t tiles, float* c, const FeatureMap& out, bool add, Scratch& scratch) const;
  // Level k of the pyramid, from the finer levels' point of view: what it adds to level k - 1, at level k's own size.
  bool level(std::size_t k, const FeatureMap& below, FeatureMap& next);
  // The finest one, up to the results.
  bool finest(const FeatureMap& below, NanoCues& cues);
  // Lines [first, first + count) of smooth(relu(lateral + below at twice its size)), in scratch.second.
  void pyramid_lines(std::size_t k, const FeatureMap& below, std::size_t first, std::size_t count, Scratch& scratch) const;
  void put_out(const FeatureMap& heads, std::size_t first, std::size_t count, NanoCues& cues) const;

  const encoder::Kernels& kernels_;
  const Weights& weights_;
  FeatureMap pixels_;
  FeatureMap levels_[Weights::kStages + 1];  // the finest first; freed when nothing needs them any more
};

}  // namespace unsam::nano
