#include <algorithm>
#include <utility>

#include "fusion/forest_check.h"
#include "unsam/fusion.h"

namespace unsam {

FusedMap fuse_labels(std::span<const std::int32_t> finest, const RegionForest& forest, std::size_t width,
                     std::size_t height, const ParallelFor& parallel) {
  check_label_map(finest, width, height);
  check_forest(forest);
  check_labels(finest, forest.parent.size());
  // Parents have a lower rank than their children, so the one of higher rank is never above the other.
  std::vector<std::size_t> rank(forest.order.size());
  for (std::size_t n = 0; n < rank.size(); ++n) rank[static_cast<std::size_t>(forest.order[n])] = n;
  // The granularity step from which on two different labels have the same owner.
  const auto merge_step = [&](std::int32_t a, std::int32_t b) -> std::uint16_t {
    if (a == 0 || b == 0) return kNever;
    auto u = static_cast<std::size_t>(a - 1), v = static_cast<std::size_t>(b - 1);
    while (u != v) {
      if (rank[u] < rank[v]) std::swap(u, v);
      if (forest.parent[u] < 0) return kNever;
      u = static_cast<std::size_t>(forest.parent[u]);
    }
    return forest.level[u];
  };
  FusedMap map{std::vector<std::uint16_t>(finest.size()), std::vector<std::uint16_t>(finest.size())};
  parallel(height, [&](std::size_t y) {
    for (std::size_t x = 0, i = y * width; x < width; ++x, ++i) {
      const std::int32_t label = finest[i];
      if (x + 1 < width && finest[i + 1] != label) map.right[i] = merge_step(label, finest[i + 1]);
      if (y + 1 < height && finest[i + width] != label) map.below[i] = merge_step(label, finest[i + width]);
    }
  });
  return map;
}

}  // namespace unsam
