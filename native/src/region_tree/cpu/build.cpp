#include <algorithm>
#include <cmath>
#include <string>

#include "region_tree/cpu/planes.h"

namespace unsam {
namespace {

constexpr std::size_t kLongest = 4096, kMostDimensions = 1024;

std::string text(std::size_t number) { return std::to_string(number); }

void check(const LearnedCues& learned, std::size_t width, std::size_t height) {
  const auto& [columns, rows, border, heights, dimensions, metric] = learned;
  if (columns > kLongest || rows > kLongest || 2 * columns < width || 2 * rows < height) {
    throw Error(ErrorCode::bad_prompt, "Learned cues of " + text(columns) + "x" + text(rows) + " cells do not cover " +
                                           text(width) + "x" + text(height) + " pixels, four to a cell.");
  }
  const std::size_t cells = columns * rows;
  if (dimensions > kMostDimensions || border.size() != cells || heights.size() != cells ||
      metric.size() != dimensions * cells) {
    throw Error(ErrorCode::bad_prompt, "The planes of learned cues do not hold " + text(cells) + " cells each, the metric in " +
                                           text(dimensions) + " dimensions, at most " + text(kMostDimensions) + ".");
  }
  // What is no number has no place in an order.
  const auto is_finite = [](float value) { return std::isfinite(value); };
  for (const std::span<const float> plane : {border, heights, metric}) {
    if (!std::all_of(plane.begin(), plane.end(), is_finite)) {
      throw Error(ErrorCode::bad_prompt, "A learned cue is not a finite number.");
    }
  }
}

}  // namespace

RegionHierarchy build_region_hierarchy(std::span<const std::uint8_t> rgb, std::size_t width, std::size_t height,
                                       const ParallelFor& parallel, const LearnedCues* learned) {
  if (width < 1 || height < 1 || width > kLongest || height > kLongest || rgb.size() != 3 * width * height) {
    throw Error(ErrorCode::bad_prompt, "An image of " + text(width) + "x" + text(height) + " pixels does not fit " +
                                           text(rgb.size()) + " bytes of RGB; sides are 1 to " + text(kLongest) + ".");
  }
  if (learned != nullptr) check(*learned, width, height);
  const tree::Size size{width, height};
  tree::Lab lab = tree::lab_planes(rgb, size, parallel);
  tree::map_tones(lab);
  const tree::Channels channels = tree::channels_of(lab, size, parallel);
  tree::Boundary seen = tree::boundary_strength(lab, channels, size, parallel);
  const tree::LearnedBoundary boundary =
      learned != nullptr ? tree::with_learned_borders(seen, *learned, size, parallel)
                         : tree::LearnedBoundary{std::move(seen.strength), {}, std::move(seen.relief)};
  RegionHierarchy result;
  result.superpixels = tree::superpixels(boundary.relief, size);
  result.graph = tree::region_graph(result.superpixels, boundary.strength, size);
  tree::Features features = tree::region_features(result.superpixels, channels, lab);
  tree::add_spectral_cue(result.graph, features);
  if (learned != nullptr) tree::add_metric(result.superpixels, *learned, size, features);
  result.merges = tree::merge_regions(result.graph, std::move(features));
  if (learned == nullptr) return result;
  // What merging goes by and what an outline is judged by are different mixes of the same borders.
  result.graph = tree::region_graph(result.superpixels, boundary.contrast, size);
  result.merges.strength = tree::strength_of_merges(result.merges, result.graph);
  return result;
}

}  // namespace unsam
