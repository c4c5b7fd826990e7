#include <algorithm>

#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

// How much the learned cues count; core/src/region-tree/learned-cues.ts says why.
struct Mix {
  double seen, border, height;
};
constexpr Mix kMerging{0.8, 0.0, 0.4}, kContrast{0.5, 0.0, 0.0};
constexpr double kRelief = 0.15;

float mixed(const Mix& mix, float seen, float border, float height) {
  return static_cast<float>(mix.seen * static_cast<double>(seen) + mix.border * static_cast<double>(border) +
                            mix.height * static_cast<double>(height));
}

}  // namespace

LearnedBoundary with_learned_borders(const Boundary& seen, const LearnedCues& learned, Size size,
                                     const ParallelFor& parallel) {
  const Size cells{learned.columns, learned.rows};
  const Plane border = double_size(learned.border, cells, size, parallel);
  const Plane height = double_size(learned.height, cells, size, parallel);
  LearnedBoundary result{Plane(size.count()), Plane(size.count()), Plane(size.count())};
  for (std::size_t i = 0; i < size.count(); ++i) {
    result.strength[i] = mixed(kMerging, seen.strength[i], border[i], height[i]);
    result.contrast[i] = mixed(kContrast, seen.strength[i], border[i], height[i]);
    result.relief[i] = static_cast<float>((1.0 - kRelief) * static_cast<double>(seen.relief[i]) +
                                          kRelief * static_cast<double>(border[i]));
  }
  return result;
}

void add_metric(const Superpixels& regions, const LearnedCues& learned, Size size, Features& features) {
  const std::size_t dimensions = learned.dimensions, cells = learned.rows * learned.columns;
  features.metric_dimensions = dimensions;
  features.metric.resize(regions.count * dimensions);
  std::vector<double> sum(regions.count);
  for (std::size_t k = 0; k < dimensions; ++k) {
    std::fill(sum.begin(), sum.end(), 0.0);
    const std::span<const float> plane = learned.metric.subspan(k * cells, cells);
    for (std::size_t y = 0, i = 0; y < size.height; ++y) {
      for (std::size_t x = 0; x < size.width; ++x, ++i) {
        sum[static_cast<std::size_t>(regions.labels[i])] += static_cast<double>(plane[(y / 2) * learned.columns + x / 2]);
      }
    }
    for (std::size_t r = 0; r < regions.count; ++r) {
      features.metric[r * dimensions + k] = static_cast<float>(sum[r] / features.size[r]);
    }
  }
}

std::vector<double> strength_of_merges(const RegionMerges& merges, const RegionGraph& graph) {
  const std::size_t count = graph.count;
  std::vector<std::size_t> parent(2 * count);
  for (std::size_t k = 0; k < merges.children.size(); ++k) {
    parent[static_cast<std::size_t>(merges.children[k])] = count + k / 2;
  }
  std::vector<double> strength(merges.heights.size());
  for (std::size_t edge = 0; edge < graph.first.size(); ++edge) {
    // Parents have higher numbers, so the lower of the two is the one to climb.
    auto a = static_cast<std::size_t>(graph.first[edge]), b = static_cast<std::size_t>(graph.second[edge]);
    while (a != b) (a < b ? a : b) = parent[a < b ? a : b];
    strength[a - count] += graph.strength[edge];
  }
  return strength;
}

}  // namespace unsam::tree
