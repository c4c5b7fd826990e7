#include <algorithm>
#include <string>

#include "cpu/fusion/check.h"
#include "cpu/fusion/order.h"
#include "unsam/hierarchy.h"

namespace unsam {
namespace {

template <typename Value>
std::vector<Value> pick(std::span<const Value> values, const std::vector<std::int32_t>& chosen,
                        std::size_t per_mask = 1) {
  std::vector<Value> picked(chosen.size() * per_mask);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Value* from = values.data() + static_cast<std::size_t>(chosen[i]) * per_mask;
    std::copy(from, from + per_mask, picked.data() + i * per_mask);
  }
  return picked;
}

// The statistics of the chosen masks. `all` is not used any more afterwards.
MaskStatistics pick_masks(MaskStatistics& all, const std::vector<std::int32_t>& chosen) {
  bool same = chosen.size() == all.masks.count;
  for (std::size_t i = 0; same && i < chosen.size(); ++i) same = static_cast<std::size_t>(chosen[i]) == i;
  if (same) return std::move(all);
  const std::size_t size = words_per_row(all.masks.width) * all.masks.height;
  return {{chosen.size(), all.masks.width, all.masks.height, pick<std::uint32_t>(all.masks.words, chosen, size)},
          pick<std::uint32_t>(all.areas, chosen),
          pick<std::int32_t>(all.boxes, chosen, 4),
          pick<double>(all.stability, chosen)};
}

}  // namespace

FusedScene fuse_logits(const LogitMaps& maps, std::span<const double> scores, std::span<const double> granularities,
                       const FusionOptions& options, const ParallelFor& parallel) {
  check_per_mask("scores", scores, maps.count);
  check_per_mask("granularities", granularities, maps.count);
  if (!(options.min_area >= 0.0)) {
    throw Error(ErrorCode::bad_option,
                "minArea is " + std::to_string(options.min_area) + "; it must be a number of pixels from 0.");
  }
  MaskStatistics all = mask_statistics(maps, options.thresholds, parallel);
  std::vector<std::int32_t> large = indices_up_to(maps.count);
  std::erase_if(large, [&](std::int32_t i) {
    return static_cast<double>(all.areas[static_cast<std::size_t>(i)]) < options.min_area;
  });
  MaskStatistics some = pick_masks(all, large);
  const Overlaps overlaps = pairwise_overlaps(some.masks, some.boxes, parallel);
  const std::vector<double> some_scores = pick<double>(scores, large);
  const std::vector<std::int32_t> stay = remove_duplicates(some.areas, some_scores, overlaps, options.max_iou);

  FusedScene scene;
  scene.kept = pick<std::int32_t>(large, stay);
  scene.statistics = pick_masks(some, stay);
  scene.forest = build_forest(scene.statistics.areas, pick<double>(scores, scene.kept),
                              pick<double>(granularities, scene.kept), select_overlaps(overlaps, stay, parallel),
                              options.containment);
  scene.finest = finest_labels(scene.statistics.masks, scene.forest, parallel);
  return scene;
}

}  // namespace unsam
