#include <algorithm>
#include <bit>

#include "fusion/check.h"
#include "fusion/forest_check.h"
#include "fusion/owners.h"
#include "unsam/fusion.h"

namespace unsam {
namespace {

constexpr std::size_t kRows = 16;        // of a label map per item
constexpr std::size_t kPixels = 1 << 16;  // per item

}  // namespace

std::vector<std::int32_t> finest_labels(const MaskStackView& masks, const RegionForest& forest,
                                        const ParallelFor& parallel) {
  check_mask_stack(masks);
  check_forest(forest);
  check_one_each("regions", forest.parent.size(), masks.count);
  const std::size_t stride = words_per_row(masks.width), size = stride * masks.height;
  std::vector<std::int32_t> labels(masks.width * masks.height);
  parallel((masks.height + kRows - 1) / kRows, [&](std::size_t item) {
    const std::size_t y0 = item * kRows, y1 = std::min(y0 + kRows, masks.height);
    const std::size_t begin = y0 * stride, end = y1 * stride;
    // Backwards through the painting order, so that each pixel is written once: what is covered already stays.
    std::vector<std::uint32_t> free(end - begin, 0xffffffffu);
    for (std::size_t n = masks.count; n-- > 0;) {
      const auto region = static_cast<std::size_t>(forest.order[n]);
      const std::uint32_t* words = masks.words.data() + region * size;
      for (std::size_t i = begin; i < end; ++i) {
        std::uint32_t bits = words[i] & free[i - begin];
        if (bits == 0) continue;
        free[i - begin] &= ~bits;
        std::int32_t* target = labels.data() + i / stride * masks.width + i % stride * 32;
        for (; bits != 0; bits &= bits - 1) target[std::countr_zero(bits)] = static_cast<std::int32_t>(region) + 1;
      }
    }
  });
  return labels;
}

std::vector<std::int32_t> owners_at(const RegionForest& forest, std::uint16_t step) {
  std::vector<std::int32_t> owners(forest.parent.size() + 1);
  for (const std::int32_t region : forest.order) {
    const auto i = static_cast<std::size_t>(region);
    const auto up = static_cast<std::size_t>(forest.parent[i]);
    const bool taken_over = forest.parent[i] >= 0 && forest.level[up] <= step;
    owners[i + 1] = taken_over ? owners[up + 1] : region + 1;
  }
  return owners;
}

std::vector<std::int32_t> label_map_at(std::span<const std::int32_t> finest, const RegionForest& forest,
                                       double granularity, const ParallelFor& parallel) {
  const std::uint16_t step = granularity_step(granularity);
  check_forest(forest);
  check_labels(finest, forest.parent.size());
  const std::vector<std::int32_t> owners = owners_at(forest, step);
  std::vector<std::int32_t> labels(finest.size());
  parallel((finest.size() + kPixels - 1) / kPixels, [&](std::size_t item) {
    const std::size_t end = std::min((item + 1) * kPixels, finest.size());
    for (std::size_t i = item * kPixels; i < end; ++i) labels[i] = owners[static_cast<std::size_t>(finest[i])];
  });
  return labels;
}

}  // namespace unsam
