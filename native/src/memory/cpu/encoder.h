// The memory encoder (Ravi et al. 2024, section 4): one call.
#pragma once

#include <optional>
#include <vector>

#include "encoder/cpu/feature_map.h"
#include "memory/cpu/work.h"

namespace unsam::memory {

class Encoder : private Work {
 public:
  using Work::Work;
  // None: cancelled.
  std::optional<std::vector<float>> run(std::span<const float> features, std::span<const float> mask, bool absent);

 private:
  // A convolution with stride 2, LayerNorm and GELU.
  bool downsample(const DownsamplingWeights& weights, const encoder::FeatureMap& in, encoder::FeatureMap& out);
  // x = the frame's features and the mask, each through a product.
  bool join(std::span<const float> features, const encoder::FeatureMap& mask, encoder::FeatureMap& x);
  bool fuse(const FuserWeights& weights, const encoder::FeatureMap& in, encoder::FeatureMap& out);
  bool put_out(const encoder::FeatureMap& x, bool absent, std::vector<float>& memory);
  // Lines of a map of side s that make an item.
  std::size_t lines() const { return std::max<std::size_t>(1, kQueryRows / positions_.side); }
};

}  // namespace unsam::memory
