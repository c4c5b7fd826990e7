#include <string>

#include "region_tree/cpu/planes.h"

namespace unsam {

RegionHierarchy build_region_hierarchy(std::span<const std::uint8_t> rgb, std::size_t width, std::size_t height,
                                       const ParallelFor& parallel) {
  constexpr std::size_t kLongest = 4096;
  if (width < 1 || height < 1 || width > kLongest || height > kLongest || rgb.size() != 3 * width * height) {
    throw Error(ErrorCode::bad_prompt, "An image of " + std::to_string(width) + "x" + std::to_string(height) +
                                           " pixels does not fit " + std::to_string(rgb.size()) +
                                           " bytes of RGB; sides are 1 to " + std::to_string(kLongest) + ".");
  }
  const tree::Size size{width, height};
  tree::Lab lab = tree::lab_planes(rgb, size, parallel);
  tree::map_tones(lab);
  const tree::Channels channels = tree::channels_of(lab, size, parallel);
  const tree::Boundary boundary = tree::boundary_strength(lab, channels, size, parallel);
  RegionHierarchy result;
  result.superpixels = tree::superpixels(boundary.relief, size);
  result.graph = tree::region_graph(result.superpixels, boundary.strength, size);
  tree::Features features = tree::region_features(result.superpixels, channels, lab);
  tree::add_spectral_cue(result.graph, features);
  result.merges = tree::merge_regions(result.graph, std::move(features));
  return result;
}

}  // namespace unsam
