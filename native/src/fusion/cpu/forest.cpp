#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "fusion/check.h"
#include "fusion/forest_of_parents.h"
#include "fusion/order.h"
#include "unsam/fusion.h"

namespace unsam {
namespace {

// Parents before children; the children of one parent in the order of `siblings`.
std::vector<std::int32_t> depth_first(const std::vector<std::int32_t>& parent,
                                      const std::vector<std::int32_t>& siblings) {
  const std::size_t count = parent.size();
  // Linked lists of children, built from the back; entry `count` holds the roots.
  std::vector<std::int32_t> first(count + 1, -1), next(count, -1), order;
  for (std::size_t n = count; n-- > 0;) {
    const auto i = static_cast<std::size_t>(siblings[n]);
    std::int32_t& list = first[parent[i] < 0 ? count : static_cast<std::size_t>(parent[i])];
    next[i] = list;
    list = siblings[n];
  }
  order.reserve(count);
  for (std::int32_t i = first[count]; i >= 0;) {
    order.push_back(i);
    if (first[static_cast<std::size_t>(i)] >= 0) {
      i = first[static_cast<std::size_t>(i)];
      continue;
    }
    while (i >= 0 && next[static_cast<std::size_t>(i)] < 0) i = parent[static_cast<std::size_t>(i)];
    if (i >= 0) i = next[static_cast<std::size_t>(i)];
  }
  return order;
}

}  // namespace

std::uint16_t granularity_step(double granularity) {
  if (!(granularity >= 0.0 && granularity <= 1.0)) {
    throw Error(ErrorCode::bad_prompt,
                "The granularity is " + std::to_string(granularity) + "; it must be a number from 0 to 1.");
  }
  return static_cast<std::uint16_t>(std::floor(granularity * kGranularitySteps + 0.5));
}

RegionForest build_forest(std::span<const std::uint32_t> areas, std::span<const double> scores,
                          std::span<const double> granularities, const Overlaps& overlaps, double containment) {
  const std::size_t count = overlaps.count;
  check_one_each("areas", areas.size(), count);
  check_per_mask("scores", scores, count);
  check_per_mask("granularities", granularities, count);
  check_share("containment", containment);
  std::vector<std::int32_t> parent(count, -1), by_size = indices_up_to(count);
  std::sort(by_size.begin(), by_size.end(), [&](std::int32_t p, std::int32_t q) {
    const auto a = static_cast<std::size_t>(p), b = static_cast<std::size_t>(q);
    if (areas[a] != areas[b]) return areas[a] < areas[b];
    if (scores[a] != scores[b]) return scores[a] < scores[b];
    return a > b;
  });
  for (std::size_t n = 0; n < count; ++n) {
    const auto i = static_cast<std::size_t>(by_size[n]);
    if (areas[i] == 0) continue;
    const double needed = containment * static_cast<double>(areas[i]);
    for (std::size_t m = n + 1; m < count; ++m) {
      if (static_cast<double>(overlaps.at(i, static_cast<std::size_t>(by_size[m]))) < needed) continue;
      parent[i] = by_size[m];
      break;
    }
  }
  return forest_of_parents(std::move(parent), areas, scores, granularities);
}

RegionForest forest_of_parents(std::vector<std::int32_t> parent, std::span<const std::uint32_t> areas,
                               std::span<const double> scores, std::span<const double> granularities) {
  const std::size_t count = parent.size();
  RegionForest forest;
  forest.parent = std::move(parent);
  forest.level.resize(count);
  for (std::size_t i = 0; i < count; ++i) forest.level[i] = granularity_step(granularities[i]);
  std::vector<std::int32_t> siblings = indices_up_to(count);
  std::sort(siblings.begin(), siblings.end(), [&](std::int32_t p, std::int32_t q) {
    const auto a = static_cast<std::size_t>(p), b = static_cast<std::size_t>(q);
    if (scores[a] != scores[b]) return scores[a] < scores[b];
    if (areas[a] != areas[b]) return areas[a] > areas[b];
    return a > b;
  });
  forest.order = depth_first(forest.parent, siblings);
  for (std::size_t n = count; n-- > 0;) {  // children before their parents
    const auto i = static_cast<std::size_t>(forest.order[n]);
    if (forest.parent[i] < 0) continue;
    std::uint16_t& level = forest.level[static_cast<std::size_t>(forest.parent[i])];
    level = std::max(level, forest.level[i]);
  }
  return forest;
}

}  // namespace unsam
