#include <algorithm>

#include "cpu/fusion/check.h"
#include "cpu/fusion/order.h"
#include "unsam/hierarchy.h"

namespace unsam {

std::vector<std::int32_t> remove_duplicates(std::span<const std::uint32_t> areas, std::span<const double> scores,
                                            const Overlaps& overlaps, double max_iou) {
  check_one_each("areas", areas.size(), overlaps.count);
  check_per_mask("scores", scores, overlaps.count);
  check_share("maxIoU", max_iou);
  std::vector<std::int32_t> kept;
  for (const std::int32_t index : by_score(scores)) {
    const auto i = static_cast<std::size_t>(index);
    const bool duplicate = std::any_of(kept.begin(), kept.end(), [&](std::int32_t other) {
      const auto k = static_cast<std::size_t>(other);
      const double common = overlaps.at(i, k);
      const double joint = static_cast<double>(areas[i]) + static_cast<double>(areas[k]) - common;
      return (joint == 0.0 ? 1.0 : common / joint) > max_iou;
    });
    if (!duplicate) kept.push_back(index);
  }
  return kept;
}

}  // namespace unsam
