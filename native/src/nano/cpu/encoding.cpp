#include "nano/cpu/encoding.h"

#include <algorithm>

namespace unsam::nano {
namespace {

// Products of one item of a layer on a whole map: a few milliseconds.
constexpr std::size_t kItemProducts = std::size_t{1} << 24;
// Channels of one item: a multiple of every kernel's panel.
constexpr std::size_t kItemChannels = 48;
// Lines of one item where layers follow each other on the same lines, which stay in the second-level cache.
constexpr std::size_t kFusedLines = 4;
// Tiles of Winograd's that are computed together, about: what their weights are read for, and the most of a line.
constexpr std::size_t kTiles = 24, kMostTiles = 96;
// Positions that are turned into planes together.
constexpr std::size_t kTurned = 64;

std::size_t pieces(std::size_t whole, std::size_t part) { return (whole + part - 1) / part; }

// Lines [first, first + count) of `layer` on `in`, to `c`.
encoder::Convolution on_lines(const ConvolutionWeights& layer, const FeatureMap& in, std::size_t first, std::size_t count,
                              float* c, const FeatureMap& out) {
  // An even kernel (2 x 2 with stride 2) covers its cells exactly; an odd one is centred.
  const std::size_t reach = layer.kernel % 2 == 1 ? layer.kernel / 2 : 0;
  return {.lines = count,
          .rows = out.width,
          .n = layer.out,
          .taps = layer.kernel,
          .depth = layer.kernel * in.channels,
          .a = in.before(first * layer.stride, 0, reach),
          .lda = layer.stride * in.channels,
          .a_line = layer.stride * in.pitch,
          .a_tap = in.pitch,
          .b = layer.linear.panels.data(),
          .bias = layer.linear.bias.data(),
          .c = c,
          .ldc = out.channels,
          .c_line = out.pitch};
}

}  // namespace

bool Encoding::run(const NanoInput& input, NanoCues& cues) {
  cues.columns = input.width / 2;
  cues.rows = input.height / 2;
  cues.dimensions = weights_.dimensions;
  const std::size_t cells = cues.columns * cues.rows;
  cues.border.resize(cells);
  cues.height.resize(cells);
  cues.metric.resize(cells * cues.dimensions);
  if (!read_pixels(input) || !stem()) return false;
  for (std::size_t k = 0; k < Weights::kStages; ++k) {
    if (!stage(k)) return false;
  }
  const FeatureMap& coarsest = levels_[Weights::kStages];
  FeatureMap below(coarsest.width, coarsest.height, weights_.below[Weights::kStages - 1].channels, 0);
  if (!layer(weights_.below[Weights::kStages - 1], coarsest, below, false, false)) return false;
  for (std::size_t k = Weights::kStages - 1; k > 0; --k) {
    levels_[k + 1] = {};
    FeatureMap next(levels_[k].width, levels_[k].height, weights_.below[k - 1].channels, 0);
    if (!level(k, below, next)) return false;
    below = std::move(next);
  }
  levels_[1] = {};
  return finest(below, cues);
}

bool Encoding::read_pixels(const NanoInput& input) {
  const auto [width, height, data] = input;
  pixels_.reshape(width, height, kNanoInputChannels, 2);
  const float* planes = data.data();
  return each(pieces(height, 32), [&, w = width, h = height](std::size_t item, Scratch&) {
    for (std::size_t y = 32 * item; y < std::min(h, 32 * (item + 1)); ++y) {
      float* out = pixels_.at(y, 0);
      for (std::size_t x = 0; x < w; ++x) {
        for (std::size_t c = 0; c < kNanoInputChannels; ++c) *out++ = planes[(c * h + y) * w + x];
      }
    }
  });
}

bool Encoding::stem() {
  const ConvolutionWeights& first_layer = weights_.stem[0];
  const ConvolutionWeights& second_layer = weights_.stem[1];
  FeatureMap& out = levels_[0];
  out.reshape(pixels_.width / 2, pixels_.height / 2, second_layer.channels, 1);
  const std::size_t height = out.height;
  return each(pieces(height, kFusedLines), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * kFusedLines, count = std::min(kFusedLines, height - first);
    // The lines before and after are needed, too; beyond the map they are zeros.
    const std::size_t from = first == 0 ? 0 : first - 1, to = std::min(height, first + count + 1);
    s.first.reshape(out.width, count, first_layer.channels, 1);
    const std::size_t skipped = first - from;
    encoder::Convolution work = on_lines(first_layer, pixels_, from, to - from, s.first.at(0, 0) - skipped * s.first.pitch, s.first);
    work.relu = true;
    kernels_.convolve(work);
    work = on_lines(second_layer, s.first, 0, count, out.at(first, 0), out);
    work.relu = true;
    kernels_.convolve(work);
  });
}

bool Encoding::stage(std::size_t k) {
  const Weights::Stage& stage = weights_.stages[k];
  FeatureMap& x = levels_[k + 1];
  x.reshape(levels_[k].width / 2, levels_[k].height / 2, stage.down.channels, 1);
  if (!layer(stage.down, levels_[k], x, false, true)) return false;
  FeatureMap inner;
  for (const auto& [first, second] : stage.blocks) {
    inner.reshape(x.width, x.height, first.channels, 1);
    if (!layer(first, x, inner, false, true) || !layer(second, inner, x, true, true)) return false;
  }
  return true;
}

bool Encoding::layer(const ConvolutionWeights& layer, const FeatureMap& in, FeatureMap& out, bool add, bool relu) {
  if (!layer.winograd.empty()) return winograd_layer(layer, in, out, add);
  const std::size_t depth = layer.linear.depth, line_products = out.width * std::min(kItemChannels, layer.out) * depth;
  const std::size_t lines = std::clamp<std::size_t>(kItemProducts / line_products, 1, out.height);
  // Channels outermost: their weights, which may be megabytes, are read once.
  const std::size_t bands = pieces(out.height, lines), groups = pieces(layer.out, kItemChannels);
  return each(bands * groups, [&](std::size_t item, Scratch&) {
    const std::size_t first = item % bands * lines, column = item / bands * kItemChannels;
    encoder::Convolution work = on_lines(layer, in, first, std::min(lines, out.height - first), out.at(first, 0) + column, out);
    work.n = std::min(kItemChannels, layer.out - column);
    work.b = layer.linear.from(column);
    work.bias += column;
    work.add = add;
    work.relu = relu;
    kernels_.convolve(work);
  });
}

bool Encoding::winograd_layer(const ConvolutionWeights& layer, const FeatureMap& in, FeatureMap& out, bool add) {
  const std::size_t line = out.width / 2, parts = pieces(line, kMostTiles), tiles = pieces(line, parts);
  const std::size_t pairs = out.height / 2, together = std::min(pairs, pieces(kTiles, tiles)), bands = pieces(pairs, together);
  return each(bands * parts, [&](std::size_t item, Scratch& s) {
    const std::size_t first = item / parts * together, x = item % parts * tiles;
    if (x >= line) return;
    winograd(layer, in, 2 * first, std::min(together, pairs - first), x, std::min(tiles, line - x), out.at(2 * first, 2 * x), out, add, s);
  });
}

void Encoding::winograd(const ConvolutionWeights& layer, const FeatureMap& in, std::size_t first, std::size_t pairs, std::size_t x,
                        std::size_t tiles, float* c, const FeatureMap& out, bool add, Scratch& s) const {
  const std::size_t all = pairs * tiles, plane = all * in.channels, plane_out = all * layer.channels;
  s.tiles.reserve(kWinograd * plane);
  s.products.reserve(kWinograd * plane_out);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    kernels_.winograd_input({.tiles = tiles,
                             .channels = in.channels,
                             .a = in.before(first + 2 * pair, 2 * x, 1),
                             .a_line = in.pitch,
                             .out = s.tiles.data() + pair * tiles * in.channels,
                             .plane = plane});
  }
  for (std::size_t k = 0; k < kWinograd; ++k) {
    kernels_.convolve({.lines = 1,
                       .rows = all,
                       .n = layer.out,
                       .taps = 1,
                       .depth = in.channels,
                       .a = s.tiles.data() + k * plane,
                       .lda = in.channels,
                       .a_line = 0,
                       .a_tap = 0,
                       .b = layer.winograd[k].panels.data(),
                       .c = s.products.data() + k * plane_out,
                       .ldc = layer.channels,
                       .c_line = 0});
  }
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    kernels_.winograd_output({.tiles = tiles,
                              .channels = layer.channels,
                              .products = s.products.data() + pair * tiles * layer.channels,
                              .plane = plane_out,
                              .bias = layer.linear.bias.data(),
                              .c = c + 2 * pair * out.pitch,
                              .c_line = out.pitch,
                              .add = add,
                              .relu = true});
  }
}

void Encoding::pyramid_lines(std::size_t k, const FeatureMap& below, std::size_t first, std::size_t count, Scratch& s) const {
  const FeatureMap& fine = levels_[k];
  const std::size_t from = first == 0 ? 0 : first - 1, to = std::min(fine.height, first + count + 1);
  s.first.reshape(fine.width, count, below.channels, 1);
  float* merged = s.first.at(0, 0) - (first - from) * s.first.pitch;
  for (std::size_t y = from; y < to; ++y) {
    float* out = merged + (y - from) * s.first.pitch;
    for (std::size_t x = 0; x < fine.width; ++x, out += below.channels) std::copy_n(below.at(y / 2, x / 2), below.channels, out);
  }
  encoder::Convolution work = on_lines(weights_.lateral[k], fine, from, to - from, merged, s.first);
  work.add = true;
  work.relu = true;
  kernels_.convolve(work);
  s.second.reshape(fine.width, count, weights_.smooth[k].channels, 0);
  const std::size_t line = fine.width / 2, tiles = pieces(line, pieces(line, kMostTiles));
  for (std::size_t x = 0; x < line; x += tiles) {
    const std::size_t here = std::min(tiles, line - x);
    // Levels of the pyramid have even sides.
    for (std::size_t y = 0; y < count; y += 2) winograd(weights_.smooth[k], s.first, y, 1, x, here, s.second.at(y, 2 * x), s.second, false, s);
  }
}

bool Encoding::level(std::size_t k, const FeatureMap& below, FeatureMap& next) {
  const std::size_t height = next.height;
  return each(pieces(height, kFusedLines), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * kFusedLines, count = std::min(kFusedLines, height - first);
    pyramid_lines(k, below, first, count, s);
    kernels_.convolve(on_lines(weights_.below[k - 1], s.second, 0, count, next.at(first, 0), next));
  });
}

bool Encoding::finest(const FeatureMap& below, NanoCues& cues) {
  return each(pieces(cues.rows, kFusedLines), [&](std::size_t item, Scratch& s) {
    const std::size_t first = item * kFusedLines, count = std::min(kFusedLines, cues.rows - first);
    pyramid_lines(0, below, first, count, s);
    s.third.reshape(cues.columns, count, weights_.heads.channels, 0);
    kernels_.convolve(on_lines(weights_.heads, s.second, 0, count, s.third.at(0, 0), s.third));
    encoder::Convolution colour = on_lines(weights_.colour, pixels_, first, count, s.third.at(0, 0), s.third);
    colour.add = true;
    kernels_.convolve(colour);
    put_out(s.third, first, count, cues);
  });
}

void Encoding::put_out(const FeatureMap& heads, std::size_t first, std::size_t count, NanoCues& cues) const {
  const std::size_t plane = cues.columns * cues.rows, begin = first * cues.columns, cells = count * cues.columns;
  for (std::size_t at = 0; at < cells; at += kTurned) {
    const std::size_t here = std::min(kTurned, cells - at);
    const float* x = heads.at(0, 0) + at * heads.channels;
    kernels_.transpose(here, 1, x, heads.channels, cues.border.data() + begin + at, plane);
    kernels_.transpose(here, 1, x + 1, heads.channels, cues.height.data() + begin + at, plane);
    kernels_.transpose(here, cues.dimensions, x + 2, heads.channels, cues.metric.data() + begin + at, plane);
  }
  kernels_.sigmoid(cells, cues.border.data() + begin);
  kernels_.sigmoid(cells, cues.height.data() + begin);
}

}  // namespace unsam::nano
