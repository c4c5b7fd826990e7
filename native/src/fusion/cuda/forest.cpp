#include "fusion/check.h"
#include "fusion/forest_of_parents.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

RegionForest Fusion::build_forest(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                                  std::span<const std::uint32_t> areas, std::span<const double> scores,
                                  std::span<const double> granularities, double containment) const {
  const std::size_t count = masks.count;
  check_mask_stack(masks);
  check_mask_boxes(boxes, masks);
  check_one_each("areas", areas.size(), count);
  check_per_mask("scores", scores, count);
  check_per_mask("granularities", granularities, count);
  check_share("containment", containment);
  if (count == 0) return {};
  FusionCall call(*state_);
  const DeviceMasks there = upload_masks(call, masks, boxes, areas, {});
  std::uint32_t* holds = zero_relation(call, count);
  std::uint32_t* all = call.device<std::uint32_t>(words_per_row(count));
  call.fill(all, 0xff, words_per_row(count) * sizeof *all);
  kernels::relations(there.words, there.tallies, count, there.shape, 1.0, containment, {nullptr, holds}, call.stream());
  std::int32_t* parents_there = call.device<std::int32_t>(count);
  kernels::find_parents(holds, there.tallies, call.upload(scores), all, count, parents_there, call.stream());
  const std::int32_t* parents = call.fetch(parents_there, count);
  call.wait();
  return forest_of_parents({parents, parents + count}, areas, scores, granularities);
}

}  // namespace unsam::cuda
