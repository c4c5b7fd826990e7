#include <numeric>

#include "fusion/cpu/bits.h"
#include "fusion/check.h"
#include "unsam/masks.h"

namespace unsam {
namespace {

std::int32_t find_root(std::vector<std::int32_t>& parent, std::int32_t node) {
  const auto up = [&parent](std::int32_t i) -> std::int32_t& { return parent[static_cast<std::size_t>(i)]; };
  while (up(node) != node) {
    up(node) = up(up(node));
    node = up(node);
  }
  return node;
}

// The smaller root stays, so a component's root is its first run.
void join(std::vector<std::int32_t>& parent, std::size_t a, std::size_t b) {
  const std::int32_t root_a = find_root(parent, static_cast<std::int32_t>(a));
  const std::int32_t root_b = find_root(parent, static_cast<std::int32_t>(b));
  if (root_a < root_b) {
    parent[static_cast<std::size_t>(root_b)] = root_a;
  } else {
    parent[static_cast<std::size_t>(root_a)] = root_b;
  }
}

void paint(std::vector<std::uint32_t>& words, std::size_t stride, const Components& components, double min_area,
           bool large, std::ptrdiff_t only) {
  for (std::size_t y = 0; y + 1 < components.row_start.size(); ++y) {
    for (auto run = static_cast<std::size_t>(components.row_start[y]);
         run < static_cast<std::size_t>(components.row_start[y + 1]); ++run) {
      const std::int32_t component = components.of_run[run];
      const bool is_large = components.areas[static_cast<std::size_t>(component)] >= min_area;
      if (only >= 0 ? component == only : is_large == large) {
        set_run(&words[y * stride], static_cast<std::size_t>(components.start[run]),
                static_cast<std::size_t>(components.end[run]));
      }
    }
  }
}

}  // namespace

Components find_components(std::span<const std::uint32_t> words, std::size_t width, std::size_t height,
                           Connectivity connectivity) {
  check_mask(words, width, height);
  const std::size_t stride = words_per_row(width);
  Components result;
  auto& [start, end, row_start, of_run, areas] = result;
  row_start.reserve(height + 1);
  row_start.push_back(0);
  for (std::size_t y = 0; y < height; ++y) {
    for_each_run(words.data() + y * stride, width, [&start = start, &end = end](std::size_t from, std::size_t to) {
      start.push_back(static_cast<std::int32_t>(from));
      end.push_back(static_cast<std::int32_t>(to));
    });
    row_start.push_back(static_cast<std::int32_t>(start.size()));
  }

  std::vector<std::int32_t> parent(start.size());
  std::iota(parent.begin(), parent.end(), 0);
  const std::int32_t reach = connectivity == Connectivity::eight ? 1 : 0;
  for (std::size_t y = 1; y < height; ++y) {
    auto above = static_cast<std::size_t>(row_start[y - 1]);
    const auto here = static_cast<std::size_t>(row_start[y]);
    for (std::size_t run = here; run < static_cast<std::size_t>(row_start[y + 1]); ++run) {
      while (above < here && end[above] + reach <= start[run]) ++above;
      for (std::size_t k = above; k < here && start[k] < end[run] + reach; ++k) join(parent, k, run);
    }
  }
  of_run.resize(start.size());
  for (std::size_t run = 0; run < start.size(); ++run) {
    const auto root = static_cast<std::size_t>(find_root(parent, static_cast<std::int32_t>(run)));
    if (root == run) {
      of_run[run] = static_cast<std::int32_t>(areas.size());
      areas.push_back(0);
    } else {
      of_run[run] = of_run[root];
    }
    areas[static_cast<std::size_t>(of_run[run])] += end[run] - start[run];
  }
  return result;
}

std::vector<std::uint32_t> remove_small_regions(std::span<const std::uint32_t> words, std::size_t width,
                                                std::size_t height, SmallRegions which, double min_area,
                                                Connectivity connectivity) {
  check_mask(words, width, height);
  const std::size_t stride = words_per_row(width);
  if (which == SmallRegions::holes) {
    std::vector<std::uint32_t> background(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) background[i] = ~words[i];
    for (std::size_t i = stride - 1; i < words.size(); i += stride) background[i] &= last_word_mask(width);
    std::vector<std::uint32_t> filled(words.begin(), words.end());
    paint(filled, stride, find_components(background, width, height, connectivity), min_area, false, -1);
    return filled;
  }
  const Components islands = find_components(words, width, height, connectivity);
  std::ptrdiff_t largest = -1;
  for (std::size_t i = 0; i < islands.areas.size(); ++i) {
    if (largest < 0 || islands.areas[i] > islands.areas[static_cast<std::size_t>(largest)]) {
      largest = static_cast<std::ptrdiff_t>(i);
    }
  }
  const bool any_large = largest >= 0 && islands.areas[static_cast<std::size_t>(largest)] >= min_area;
  std::vector<std::uint32_t> kept(words.size());
  paint(kept, stride, islands, min_area, true, any_large ? -1 : largest);
  return kept;
}

}  // namespace unsam
