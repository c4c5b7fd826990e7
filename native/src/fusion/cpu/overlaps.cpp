#include <algorithm>

#include "fusion/check.h"
#include "fusion/cpu/kernels.h"
#include "unsam/fusion.h"

namespace unsam {
namespace {

// The part of a mask that its box covers.
struct Extent {
  std::size_t word0, word1, y0, y1;  // inclusive
};

}  // namespace

Overlaps pairwise_overlaps(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                           const ParallelFor& parallel) {
  check_mask_stack(masks);
  check_mask_boxes(boxes, masks);
  const FusionKernels& kernels = fusion_kernels();
  const std::size_t count = masks.count, stride = words_per_row(masks.width), size = stride * masks.height;
  std::vector<Extent> extents(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](std::size_t corner) { return static_cast<std::size_t>(boxes[4 * i + corner]); };
    extents[i] = {at(0) / 32, at(2) / 32, at(1), at(3)};
  }
  Overlaps overlaps{count, std::vector<std::uint32_t>(count < 2 ? 0 : count * (count - 1) / 2)};

  const auto common = [&](std::size_t i, std::size_t j) -> std::uint32_t {
    const Extent &a = extents[i], &b = extents[j];
    const std::size_t word0 = std::max(a.word0, b.word0), word1 = std::min(a.word1, b.word1);
    const std::size_t y0 = std::max(a.y0, b.y0), y1 = std::min(a.y1, b.y1);
    if (word0 > word1 || y0 > y1) return 0;
    const std::uint32_t* p = masks.words.data() + i * size + y0 * stride;
    const std::uint32_t* q = masks.words.data() + j * size + y0 * stride;
    const std::size_t rows = y1 - y0 + 1, words = word1 - word0 + 1;
    // Rows side by side in memory are counted in one go where little is wasted on words beyond the boxes.
    if (stride <= 16 || 2 * words >= stride) {
      return static_cast<std::uint32_t>(kernels.common_bits(p, q, rows * stride));
    }
    std::uint64_t bits = 0;
    for (std::size_t y = 0; y < rows; ++y) {
      bits += kernels.common_bits(p + y * stride + word0, q + y * stride + word0, words);
    }
    return static_cast<std::uint32_t>(bits);
  };

  // Tiles of masks that stay in the cache while all others pass by; cheap items, handed out as blocks of pairs.
  const std::size_t tile = std::clamp<std::size_t>((std::size_t{512} << 10) / (4 * size), 4, 64);
  const std::size_t tiles = (count + tile - 1) / tile;
  parallel(tiles * tiles, [&](std::size_t item) {
    const std::size_t i0 = item / tiles * tile, j0 = item % tiles * tile;
    if (j0 < i0) return;
    const std::size_t i1 = std::min(i0 + tile, count), j1 = std::min(j0 + tile, count);
    for (std::size_t j = j0; j < j1; ++j) {
      for (std::size_t i = i0; i < std::min(i1, j); ++i) {
        overlaps.common[i * (2 * count - i - 1) / 2 + j - i - 1] = common(i, j);
      }
    }
  });
  return overlaps;
}

Overlaps select_overlaps(const Overlaps& overlaps, std::span<const std::int32_t> chosen, const ParallelFor& parallel) {
  const std::size_t count = chosen.size();
  Overlaps selected{count, std::vector<std::uint32_t>(count < 2 ? 0 : count * (count - 1) / 2)};
  parallel(count, [&](std::size_t i) {
    std::uint32_t* row = selected.common.data() + i * (2 * count - i - 1) / 2;
    for (std::size_t j = i + 1; j < count; ++j) {
      row[j - i - 1] = overlaps.at(static_cast<std::size_t>(chosen[i]), static_cast<std::size_t>(chosen[j]));
    }
  });
  return selected;
}

}  // namespace unsam
