// Watershed by steepest descent: every pixel points to its lowest 8-neighbour, and all that lead to one minimum form a
// region. Plateaus flow towards their nearest outlet; a plateau without one is a single minimum.
#include <algorithm>
#include <cmath>

#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr double kSteps = 1 << 14;  // the relief in whole steps, so that rounding on flat ground makes no minima

// Calls visit(j) for the 8-neighbours of pixel i, straight ones first, so that they win ties.
template <typename Visit>
void for_neighbours(std::size_t i, Size size, Visit&& visit) {
  const std::size_t y = i / size.width, x = i - y * size.width, w = size.width;
  const bool left = x > 0, right = x + 1 < w, above = y > 0, below = y + 1 < size.height;
  if (above) visit(i - w);
  if (left) visit(i - 1);
  if (right) visit(i + 1);
  if (below) visit(i + w);
  if (above && left) visit(i - w - 1);
  if (above && right) visit(i - w + 1);
  if (below && left) visit(i + w - 1);
  if (below && right) visit(i + w + 1);
}

// Follows every pixel to its minimum and numbers the minima in the order they are first met.
Superpixels follow(std::vector<std::int32_t>& next) {
  const auto to = [&next](std::size_t i) { return static_cast<std::size_t>(next[i]); };
  Superpixels regions;
  regions.labels.resize(next.size());
  std::vector<std::int32_t> number(next.size(), -1);
  for (std::size_t i = 0; i < next.size(); ++i) {
    std::size_t root = i;
    while (to(root) != root) root = to(root);
    for (std::size_t j = i; to(j) != root;) {
      const std::size_t after = to(j);
      next[j] = static_cast<std::int32_t>(root);
      j = after;
    }
    if (number[root] < 0) {
      number[root] = static_cast<std::int32_t>(regions.markers.size());
      regions.markers.push_back(static_cast<std::int32_t>(root));
    }
    regions.labels[i] = number[root];
  }
  regions.count = regions.markers.size();
  return regions;
}

}  // namespace

Superpixels superpixels(const Plane& relief, Size size) {
  std::vector<std::int32_t> level(size.count()), next(size.count(), -1);
  for (std::size_t i = 0; i < level.size(); ++i) {
    level[i] = static_cast<std::int32_t>(std::floor(static_cast<double>(relief[i]) * kSteps + 0.5));
  }
  std::vector<std::size_t> queue;
  queue.reserve(size.count());
  for (std::size_t i = 0; i < level.size(); ++i) {
    std::int32_t lowest = level[i];
    for_neighbours(i, size, [&](std::size_t j) {
      if (level[j] >= lowest) return;
      lowest = level[j];
      next[i] = static_cast<std::int32_t>(j);
    });
    if (next[i] >= 0) queue.push_back(i);
  }
  // Breadth first from what `queue` holds, over pixels of the same level.
  const auto flood = [&](bool to_root) {
    for (std::size_t head = 0; head < queue.size(); ++head) {
      const std::size_t i = queue[head];
      for_neighbours(i, size, [&](std::size_t j) {
        if (next[j] >= 0 || level[j] != level[i]) return;
        next[j] = static_cast<std::int32_t>(to_root ? queue[0] : i);
        queue.push_back(j);
      });
    }
  };
  flood(false);  // from the outlets, so that a plateau is shared out by distance
  // What is left are minima; the first pixel of each, in raster order, stands for it.
  for (std::size_t i = 0; i < next.size(); ++i) {
    if (next[i] >= 0) continue;
    next[i] = static_cast<std::int32_t>(i);
    queue.assign(1, i);
    flood(true);
  }
  return follow(next);
}

}  // namespace unsam::tree
