#include "fusion/check.h"
#include "fusion/forest_check.h"
#include "fusion/owners.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

std::vector<std::int32_t> Fusion::finest_labels(const MaskStackView& masks, const RegionForest& forest) const {
  check_mask_stack(masks);
  check_forest(forest);
  check_one_each("regions", forest.parent.size(), masks.count);
  std::vector<std::int32_t> labels(masks.width * masks.height);
  if (masks.count == 0) return labels;
  FusionCall call(*state_);
  std::int32_t* there = call.device<std::int32_t>(labels.size());
  kernels::finest_labels(upload_masks(call, masks), call.upload(std::span<const std::int32_t>(forest.order)), masks.count,
                         shape_of(masks.width, masks.height), there, call.stream());
  call.download(labels.data(), there, labels.size());
  return labels;
}

std::vector<std::int32_t> Fusion::label_map_at(std::span<const std::int32_t> finest, const RegionForest& forest,
                                               double granularity) const {
  const std::uint16_t step = granularity_step(granularity);
  check_forest(forest);
  check_labels(finest, forest.parent.size());
  std::vector<std::int32_t> labels(finest.size());
  if (finest.empty()) return labels;
  const std::vector<std::int32_t> owners = owners_at(forest, step);
  FusionCall call(*state_);
  std::int32_t* there = call.device<std::int32_t>(labels.size());
  kernels::replace_labels(call.upload(finest), call.upload(std::span<const std::int32_t>(owners)), finest.size(), there,
                          call.stream());
  call.download(labels.data(), there, labels.size());
  return labels;
}

}  // namespace unsam::cuda
