#include "unsam/patch_merge.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "fusion/cpu/kernels.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxValues = 0x7fffffff;

// The pairs of touching regions, from the 4-neighbours of a grid on, as regions are joined.
struct Pairs {
  std::vector<std::int32_t> first, second;
  std::vector<std::uint8_t> alive;
  std::vector<std::vector<std::int32_t>> around;  // pairs of each region, dead ones among them
  std::vector<std::int32_t> known;                // scratch: the pair that joins `keep` to each region, -1 else

  Pairs(std::size_t height, std::size_t width) : around(height * width), known(height * width, -1) {
    const auto meet = [this](std::size_t a, std::size_t b) {
      const auto pair = static_cast<std::int32_t>(first.size());
      first.push_back(static_cast<std::int32_t>(a));
      second.push_back(static_cast<std::int32_t>(b));
      around[a].push_back(pair);
      around[b].push_back(pair);
    };
    for (std::size_t i = 0; i < height * width; ++i) {
      if ((i + 1) % width != 0) meet(i, i + 1);
      if (i + width < height * width) meet(i, i + width);
    }
    alive.assign(first.size(), 1);
  }

  std::size_t other(std::int32_t pair, std::size_t region) const {
    const auto p = static_cast<std::size_t>(pair);
    const auto a = static_cast<std::size_t>(first[p]);
    return a == region ? static_cast<std::size_t>(second[p]) : a;
  }

  // `gone` becomes part of `keep`; returns the pairs that stand around it.
  const std::vector<std::int32_t>& join(std::size_t keep, std::size_t gone) {
    std::vector<std::int32_t> standing;
    standing.reserve(around[keep].size() + around[gone].size());
    for (const std::int32_t pair : around[keep]) {
      std::uint8_t& stands = alive[static_cast<std::size_t>(pair)];
      if (stands == 0) continue;
      const std::size_t region = other(pair, keep);
      if (region == gone) {
        stands = 0;
        continue;
      }
      known[region] = pair;
      standing.push_back(pair);
    }
    for (const std::int32_t pair : around[gone]) {
      const auto p = static_cast<std::size_t>(pair);
      if (alive[p] == 0) continue;
      if (known[other(pair, gone)] >= 0) {
        alive[p] = 0;
        continue;
      }
      (static_cast<std::size_t>(first[p]) == gone ? first[p] : second[p]) = static_cast<std::int32_t>(keep);
      standing.push_back(pair);
    }
    for (const std::int32_t pair : standing) known[other(pair, keep)] = -1;
    around[gone] = {};
    around[keep] = std::move(standing);
    return around[keep];
  }
};

struct Entry {
  double value;
  std::int32_t pair, stamp;
  // For std::push_heap: the lower priority.
  bool operator<(const Entry& b) const { return value != b.value ? value < b.value : pair > b.pair; }
};

std::vector<float> unit_vectors(std::span<const float> data, std::size_t count, std::size_t channels,
                                const ParallelFor& parallel) {
  std::vector<float> unit(data.size());
  parallel(count, [&](std::size_t i) {
    const float* from = data.data() + i * channels;
    double square = 0.0;
    for (std::size_t k = 0; k < channels; ++k) square += static_cast<double>(from[k]) * static_cast<double>(from[k]);
    if (!std::isfinite(square)) {
      throw Error(ErrorCode::bad_prompt, "The features of patch " + std::to_string(i) + " are not finite numbers.");
    }
    const double length = std::sqrt(square);
    if (length == 0.0) return;
    for (std::size_t k = 0; k < channels; ++k) {
      unit[i * channels + k] = static_cast<float>(static_cast<double>(from[k]) / length);
    }
  });
  return unit;
}

}  // namespace

PatchMerges merge_patches(std::span<const float> data, std::size_t height, std::size_t width, std::size_t channels,
                          const ParallelFor& parallel) {
  if (height < 1 || width < 1 || channels < 1 || height > kMaxValues || width > kMaxValues / height ||
      channels > kMaxValues / (height * width) || data.size() != height * width * channels) {
    throw Error(ErrorCode::bad_prompt, "A map of " + std::to_string(height) + "x" + std::to_string(width) +
                                           " patches of " + std::to_string(channels) + " features does not fit " +
                                           std::to_string(data.size()) + " values.");
  }
  const FusionKernels& kernels = fusion_kernels();
  const std::size_t count = height * width;
  std::vector<float> sums = unit_vectors(data, count, channels, parallel);
  std::vector<std::int32_t> sizes(count, 1);
  Pairs pairs(height, width);
  std::vector<Entry> heap(pairs.first.size());
  std::vector<std::int32_t> current(heap.size(), 0);
  // Of two regions: their patches' mean cosine is the product of their sums over the product of their sizes.
  const auto entry = [&](std::int32_t pair) -> Entry {
    const auto p = static_cast<std::size_t>(pair);
    const auto a = static_cast<std::size_t>(pairs.first[p]), b = static_cast<std::size_t>(pairs.second[p]);
    const double product = kernels.dot8(&sums[a * channels], &sums[b * channels], channels);
    return {product / (static_cast<double>(sizes[a]) * static_cast<double>(sizes[b])), pair, current[p]};
  };
  parallel(heap.size(), [&](std::size_t p) { heap[p] = entry(static_cast<std::int32_t>(p)); });
  std::make_heap(heap.begin(), heap.end());
  const auto take = [&] {
    while (true) {
      std::pop_heap(heap.begin(), heap.end());
      const Entry top = heap.back();
      heap.pop_back();
      const auto p = static_cast<std::size_t>(top.pair);
      if (pairs.alive[p] != 0 && top.stamp == current[p]) return top;
    }
  };

  std::vector<std::int32_t> node(count);
  for (std::size_t i = 0; i < count; ++i) node[i] = static_cast<std::int32_t>(i);
  PatchMerges merges{std::vector<std::int32_t>(2 * (count - 1)), std::vector<double>(count - 1)};
  for (std::size_t merge = 0; merge + 1 < count; ++merge) {
    const Entry top = take();
    const auto p = static_cast<std::size_t>(top.pair);
    const auto keep = static_cast<std::size_t>(std::min(pairs.first[p], pairs.second[p]));
    const auto gone = static_cast<std::size_t>(std::max(pairs.first[p], pairs.second[p]));
    merges.children[2 * merge] = std::min(node[keep], node[gone]);
    merges.children[2 * merge + 1] = std::max(node[keep], node[gone]);
    merges.similarity[merge] = top.value;
    node[keep] = static_cast<std::int32_t>(count + merge);
    sizes[keep] += sizes[gone];
    for (std::size_t k = 0; k < channels; ++k) sums[keep * channels + k] += sums[gone * channels + k];
    for (const std::int32_t around : pairs.join(keep, gone)) {
      ++current[static_cast<std::size_t>(around)];
      heap.push_back(entry(around));
      std::push_heap(heap.begin(), heap.end());
    }
  }
  return merges;
}

}  // namespace unsam
