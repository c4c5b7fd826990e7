#include "fusion/check.h"
#include "fusion/order.h"
#include "unsam/fusion.h"

namespace unsam {

std::vector<std::int32_t> remove_duplicates(std::span<const std::uint32_t> areas, std::span<const double> scores,
                                            const Overlaps& overlaps, double max_iou) {
  check_one_each("areas", areas.size(), overlaps.count);
  check_per_mask("scores", scores, overlaps.count);
  check_share("maxIoU", max_iou);
  const std::vector<std::int32_t> order = by_score(scores);
  std::vector<bool> struck(order.size());
  std::vector<std::int32_t> kept;
  // A mask that stays strikes out those behind it that resemble it: along rows of the overlaps when scores fall.
  for (std::size_t n = 0; n < order.size(); ++n) {
    const auto k = static_cast<std::size_t>(order[n]);
    if (struck[n]) continue;
    kept.push_back(order[n]);
    for (std::size_t m = n + 1; m < order.size(); ++m) {
      const auto i = static_cast<std::size_t>(order[m]);
      const std::uint32_t shared = overlaps.at(i, k);
      if (shared == 0 && areas[i] + std::uint64_t{areas[k]} != 0) continue;
      const double common = shared;
      const double joint = static_cast<double>(areas[i]) + static_cast<double>(areas[k]) - common;
      if ((joint == 0.0 ? 1.0 : common / joint) > max_iou) struck[m] = true;
    }
  }
  return kept;
}

}  // namespace unsam
