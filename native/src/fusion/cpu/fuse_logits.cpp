#include <algorithm>
#include <string>

#include "fusion/check.h"
#include "fusion/check_fusion.h"
#include "fusion/order.h"
#include "fusion/cpu/ordered_statistics.h"
#include "unsam/fusion.h"

namespace unsam {
namespace {

// Moves the chosen items of `size` values each to the front; `chosen` rises.
template <typename Value>
void keep(std::vector<Value>& values, const std::vector<std::int32_t>& chosen, std::size_t size) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto from = static_cast<std::size_t>(chosen[i]);
    if (from != i) std::copy_n(values.data() + from * size, size, values.data() + i * size);
  }
  values.resize(chosen.size() * size);
}

void keep(MaskStatistics& s, const std::vector<std::int32_t>& chosen) {
  keep(s.masks.words, chosen, words_per_row(s.masks.width) * s.masks.height);
  keep(s.areas, chosen, 1);
  keep(s.boxes, chosen, 4);
  keep(s.stability, chosen, 1);
  s.masks.count = chosen.size();
}

}  // namespace

void check_fusion(std::size_t count, std::span<const double> scores, std::span<const double> granularities,
                  const FusionOptions& options) {
  check_per_mask("scores", scores, count);
  check_per_mask("granularities", granularities, count);
  check_thresholds(options.thresholds);
  check_share("maxIoU", options.max_iou);
  check_share("containment", options.containment);
  if (!(options.min_area >= 0.0)) {
    throw Error(ErrorCode::bad_option,
                "minArea is " + std::to_string(options.min_area) + "; it must be a number of pixels from 0.");
  }
}

FusedScene fuse_logits(const LogitMaps& maps, std::span<const double> scores, std::span<const double> granularities,
                       const FusionOptions& options, const ParallelFor& parallel) {
  check_fusion(maps.count, scores, granularities, options);
  // Best score first from the beginning: whatever is left out later leaves the rest in order.
  FusedScene scene;
  scene.kept = by_score(scores);
  scene.statistics = ordered_statistics(maps, options.thresholds, scene.kept, parallel);
  MaskStatistics& s = scene.statistics;
  std::vector<std::int32_t> large = indices_up_to(maps.count);
  std::erase_if(large, [&](std::int32_t i) {
    return static_cast<double>(s.areas[static_cast<std::size_t>(i)]) < options.min_area;
  });
  keep(s, large);
  keep(scene.kept, large, 1);
  const Overlaps overlaps = pairwise_overlaps(s.masks, s.boxes, parallel);
  const std::vector<std::int32_t> stay =
      remove_duplicates(s.areas, pick(scores, scene.kept), overlaps, options.max_iou);
  keep(s, stay);
  keep(scene.kept, stay, 1);
  scene.forest =
      build_forest(s.areas, pick(scores, scene.kept), pick(granularities, scene.kept),
                   stay.size() == overlaps.count ? overlaps : select_overlaps(overlaps, stay, parallel),
                   options.containment);
  scene.finest = finest_labels(s.masks, scene.forest, parallel);
  return scene;
}

}  // namespace unsam
