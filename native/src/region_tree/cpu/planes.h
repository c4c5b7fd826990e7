// The stages of a region tree, in order. Planes are [height, width]; sums run in double and are kept in float where the
// TypeScript version's typed arrays do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unsam/region_tree.h"

namespace unsam::tree {

using Plane = std::vector<float>;

struct Size {
  std::size_t width, height;
  std::size_t count() const { return width * height; }
};

inline constexpr std::size_t kBins = 8;                  // soft bins per colour axis
inline constexpr std::size_t kColour = 3 * kBins;        // L, a and b histograms
inline constexpr std::size_t kTexture = 9;               // two scales of four orientations, and "flat"
inline constexpr std::size_t kChannels = kColour + kTexture;

// Calls rows(y0, y1) for bands of rows.
template <typename Rows>
void for_bands(std::size_t height, const ParallelFor& parallel, Rows&& rows) {
  constexpr std::size_t kBand = 16;
  parallel((height + kBand - 1) / kBand, [&](std::size_t band) {
    rows(band * kBand, band * kBand + kBand < height ? band * kBand + kBand : height);
  });
}

// CIE L*a*b* (D65).
struct Lab {
  Plane L, a, b;
};
Lab lab_planes(std::span<const std::uint8_t> rgb, Size size, const ParallelFor& parallel);

// Lightness stretched between the image's own black and white points and bent by t (1 + k) / (t + k); chroma times 1.3.
void map_tones(Lab& lab);

// Kernel cut at 3 sigma, edge pixels repeated outwards.
Plane gaussian_blur(const Plane& plane, Size size, double sigma, const ParallelFor& parallel);

// What every pixel looks like.
struct Channels {
  std::array<Plane, 3> bins;            // position of L, a, b on their bin axes, 0 to kBins - 1
  std::array<Plane, kTexture> texture;  // each 0 to 1, all nine summing to 1
};
Channels channels_of(const Lab& lab, Size size, const ParallelFor& parallel);

// Calls add(channel, value) for the channels of pixel i, times weight.
template <typename Add>
void for_channels(const Channels& channels, std::size_t i, double weight, Add&& add) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double position = static_cast<double>(channels.bins[axis][i]);
    auto bin = static_cast<std::size_t>(position);
    if (bin > kBins - 2) bin = kBins - 2;
    const double upper = (position - static_cast<double>(bin)) * weight;
    add(axis * kBins + bin, weight - upper);
    add(axis * kBins + bin + 1, upper);
  }
  for (std::size_t k = 0; k < kTexture; ++k) add(kColour + k, weight * static_cast<double>(channels.texture[k][i]));
}

struct Boundary {
  Plane strength;  // how likely a border runs through each pixel, about 0 to 1
  Plane relief;    // its minima are the markers of the superpixels
};
Boundary boundary_strength(const Lab& lab, const Channels& channels, Size size, const ParallelFor& parallel);

// Bilinear, pixel centres aligned: a cell of `plane`, [from.height, from.width], covers exactly 2 x 2 pixels.
Plane double_size(std::span<const float> plane, Size from, Size size, const ParallelFor& parallel);

// The boundary with the learned borders mixed in.
struct LearnedBoundary {
  Plane strength;  // what merging goes by
  Plane contrast;  // what an outline is judged by
  Plane relief;
};
LearnedBoundary with_learned_borders(const Boundary& seen, const LearnedCues& learned, Size size,
                                     const ParallelFor& parallel);

Superpixels superpixels(const Plane& relief, Size size);

RegionGraph region_graph(const Superpixels& regions, const Plane& strength, Size size);

// Means over each region.
struct Features {
  std::vector<double> size;     // [count]
  std::vector<float> channels;  // [count, kChannels]
  std::vector<float> lab;       // [count, 3]
  std::size_t dimensions = 0;
  std::vector<float> embedding;  // [count, dimensions]
  std::size_t metric_dimensions = 0;
  std::vector<float> metric;  // [count, metric_dimensions]
};
Features region_features(const Superpixels& regions, const Channels& channels, const Lab& lab);

// Fills the embedding: leading eigenvectors of the normalised cut, scaled by 1 / sqrt(eigenvalue).
void add_spectral_cue(const RegionGraph& graph, Features& features);

// Fills the metric: its mean over each region.
void add_metric(const Superpixels& regions, const LearnedCues& learned, Size size, Features& features);

RegionMerges merge_regions(RegionGraph graph, Features features);

// Strength summed over what the two regions of each merge shared, by the strengths of another graph of the same regions.
std::vector<double> strength_of_merges(const RegionMerges& merges, const RegionGraph& graph);

}  // namespace unsam::tree
