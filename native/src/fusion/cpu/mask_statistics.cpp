#include <algorithm>

#include "fusion/cpu/bits.h"
#include "fusion/check.h"
#include "fusion/cpu/kernels.h"
#include "fusion/cpu/ordered_statistics.h"
#include "unsam/masks.h"

namespace unsam {

MaskStatistics mask_statistics(const LogitMaps& maps, const Thresholds& thresholds, const ParallelFor& parallel) {
  return ordered_statistics(maps, thresholds, {}, parallel);
}

MaskStatistics ordered_statistics(const LogitMaps& maps, const Thresholds& thresholds,
                                  std::span<const std::int32_t> order, const ParallelFor& parallel) {
  check_logit_maps(maps);
  check_thresholds(thresholds);
  const FusionKernels& kernels = fusion_kernels();
  const float low = float_below(thresholds.threshold - thresholds.stability_offset);
  const float middle = float_below(thresholds.threshold);
  const float high = float_below(thresholds.threshold + thresholds.stability_offset);
  const std::size_t stride = words_per_row(maps.width), size = stride * maps.height;

  MaskStatistics result;
  result.masks = {maps.count, maps.width, maps.height, std::vector<std::uint32_t>(maps.count * size)};
  result.areas.resize(maps.count);
  result.boxes.resize(4 * maps.count);
  result.stability.resize(maps.count);
  parallel(maps.count, [&](std::size_t k) {
    const std::size_t from = order.empty() ? k : static_cast<std::size_t>(order[k]);
    const float* map = maps.data.data() + from * maps.height * maps.width;
    std::uint32_t* words = result.masks.words.data() + k * size;
    StabilityCounts counts;
    for (std::size_t y = 0; y < maps.height; ++y) {
      kernels.threshold_row(map + y * maps.width, maps.width, low, middle, high, words + y * stride, &counts);
    }
    std::vector<std::uint32_t> columns(stride);
    bounding_box(words, maps.width, maps.height, columns, &result.boxes[4 * k]);
    result.areas[k] = static_cast<std::uint32_t>(kernels.common_bits(words, words, size));
    result.stability[k] =
        counts.low == 0 ? 0.0 : static_cast<double>(counts.high) / static_cast<double>(counts.low);
  });
  return result;
}

}  // namespace unsam
