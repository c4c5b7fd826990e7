#include "memory/cpu/encoder.h"

#include <algorithm>

namespace unsam::memory {
namespace {

using encoder::FeatureMap;

constexpr float kEpsilon = 1e-6f;
// Lines of one item while the mask is made smaller.
constexpr std::size_t kMaskLines = 8;
// How far a kernel of the fuser reaches.
constexpr std::size_t kReach = kFuserKernel / 2;

}  // namespace

std::optional<std::vector<float>> Encoder::run(std::span<const float> features, std::span<const float> mask, bool absent) {
  const std::size_t side = plan_.image_size;
  FeatureMap map(side, side, 1, 1);
  for (std::size_t y = 0; y < side; ++y) std::copy_n(mask.data() + y * side, side, map.at(y, 0));
  for (std::size_t i = 0; i < kDownsamplings; ++i) {
    const DownsamplingWeights& weights = weights_.downsampling[i];
    FeatureMap smaller(map.width / 2, map.height / 2, weights.channels, i + 1 < kDownsamplings ? 1 : 0);
    if (!downsample(weights, map, smaller)) return std::nullopt;
    map = std::move(smaller);
  }
  FeatureMap x(positions_.side, positions_.side, map_channels(plan_.width), kReach);
  if (!join(features, map, x)) return std::nullopt;
  map = {};
  FeatureMap next(x.width, x.height, x.channels, kReach);
  for (const FuserWeights& weights : weights_.fuser) {
    if (!fuse(weights, x, next)) return std::nullopt;
    std::swap(x, next);
  }
  std::vector<float> memory(positions_.side * positions_.side * plan_.memory_width);
  if (!put_out(x, absent, memory)) return std::nullopt;
  return memory;
}

bool Encoder::downsample(const DownsamplingWeights& weights, const FeatureMap& in, FeatureMap& out) {
  return each(pieces(out.height, kMaskLines), [&](std::size_t item, Scratch&) {
    const std::size_t first = item * kMaskLines, lines = std::min(kMaskLines, out.height - first);
    kernels_.convolve({.lines = lines,
                       .rows = out.width,
                       .n = weights.out,
                       .taps = 3,
                       .depth = 3 * in.channels,
                       .a = in.before(2 * first, 0, 1),
                       .lda = 2 * in.channels,
                       .a_line = 2 * in.pitch,
                       .a_tap = in.pitch,
                       .b = weights.linear.panels.data(),
                       .bias = weights.linear.bias.data(),
                       .c = out.at(first, 0),
                       .ldc = out.channels,
                       .c_line = out.pitch});
    for (std::size_t y = first; y < first + lines; ++y) {
      kernels_.normalise_gelu(out.width, weights.out, out.at(y, 0), out.channels, weights.gain.data(), weights.offset.data(), kEpsilon);
    }
  });
}

bool Encoder::join(std::span<const float> features, const FeatureMap& mask, FeatureMap& x) {
  const std::size_t d = plan_.width, side = positions_.side, ld = padded(d) + kSlack;
  return each(side, [&](std::size_t y, Scratch& s) {
    s.operand.reserve(side * ld);
    from_planes(features, y * side, side, d, s.operand.data(), ld);
    apply(weights_.features, side, s.operand.data(), ld, x.at(y, 0), x.channels);
    math_.product({.rows = side,
                   .n = d,
                   .depth = weights_.mask.depth,
                   .a = mask.at(y, 0),
                   .lda = mask.channels,
                   .b = weights_.mask.panels.data(),
                   .b_depth = weights_.mask.depth,
                   .c = x.at(y, 0),
                   .ldc = x.channels,
                   .add = true});
  });
}

bool Encoder::fuse(const FuserWeights& weights, const FeatureMap& in, FeatureMap& out) {
  const std::size_t d = plan_.width, side = positions_.side, ld = padded(d) + kSlack;
  return each(pieces(side, lines()), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * lines(), count = std::min(lines(), side - first), rows = count * side;
    s.head.reserve(rows * ld);
    s.sum.reserve(rows * ld);
    for (std::size_t i = 0; i < count; ++i) {
      kernels_.depthwise({.positions = side,
                          .channels = padded(d),
                          .kernel = kFuserKernel,
                          .a = in.before(first + i, 0, kReach),
                          .lda = in.channels,
                          .a_line = in.pitch,
                          .weights = weights.depthwise.data(),
                          .bias = weights.bias.data(),
                          .c = s.head.data() + i * side * ld,
                          .ldc = ld});
      for (std::size_t x = 0; x < side; ++x) std::copy_n(in.at(first + i, x), padded(d), s.sum.data() + (i * side + x) * ld);
    }
    normalise(s, rows, d, s.head.data(), ld, kEpsilon);
    feed_forward(s, rows, d, weights.first, weights.second, Activation::gelu, s.sum.data(), ld);
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(s.sum.data() + i * ld, padded(d), out.at(first + i / side, i % side));
  });
}

bool Encoder::put_out(const FeatureMap& x, bool absent, std::vector<float>& memory) {
  const std::size_t m = plan_.memory_width, side = positions_.side, ld = padded(m) + kSlack;
  return each(side, [&](std::size_t y, Scratch& s) {
    s.sum.reserve(side * ld);
    apply(weights_.out, side, x.at(y, 0), x.channels, s.sum.data(), ld);
    for (std::size_t i = 0; i < side; ++i) {
      float* to = memory.data() + (y * side + i) * m;
      for (std::size_t c = 0; c < m; ++c) to[c] = s.sum[i * ld + c] + (absent ? weights_.absent[c] : 0.0f);
    }
  });
}

}  // namespace unsam::memory
