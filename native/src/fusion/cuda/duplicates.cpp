#include "fusion/check.h"
#include "fusion/order.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

std::uint32_t* zero_relation(FusionCall& call, std::size_t count) {
  return call.zeros<std::uint32_t>(count * words_per_row(count));
}

std::uint32_t* stays_after(FusionCall& call, const std::uint32_t* strikes, std::size_t count, const Tally* tallies,
                           double min_area) {
  std::uint32_t* stays = call.device<std::uint32_t>(words_per_row(count));
  kernels::greedy_pass(strikes, count, tallies, min_area, stays, call.stream());
  return stays;
}

std::vector<std::int32_t> set_bits(const std::uint32_t* bits, std::size_t count) {
  std::vector<std::int32_t> positions = indices_up_to(count);
  std::erase_if(positions, [&](std::int32_t i) { return (bits[i / 32] >> (i % 32) & 1u) == 0; });
  return positions;
}

std::vector<std::int32_t> Fusion::remove_duplicates(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                                                    std::span<const std::uint32_t> areas, std::span<const double> scores,
                                                    double max_iou) const {
  check_mask_stack(masks);
  check_mask_boxes(boxes, masks);
  check_one_each("areas", areas.size(), masks.count);
  check_per_mask("scores", scores, masks.count);
  check_share("maxIoU", max_iou);
  if (masks.count == 0) return {};
  const std::vector<std::int32_t> order = by_score(scores);
  FusionCall call(*state_);
  const DeviceMasks there = upload_masks(call, masks, boxes, areas, order);
  std::uint32_t* strikes = zero_relation(call, masks.count);
  kernels::relations(there.words, there.tallies, there.count, there.shape, max_iou, 1.0, {strikes, nullptr}, call.stream());
  const std::uint32_t* stays =
      call.fetch(stays_after(call, strikes, masks.count, nullptr, 0.0), words_per_row(masks.count));
  call.wait();
  return pick<std::int32_t>(order, set_bits(stays, masks.count));
}

}  // namespace unsam::cuda
