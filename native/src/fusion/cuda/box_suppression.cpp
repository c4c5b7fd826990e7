#include "fusion/cuda/stages.h"
#include "fusion/order.h"

namespace unsam::cuda {

std::vector<std::int32_t> Fusion::suppress_boxes(std::span<const double> boxes, std::span<const double> scores,
                                                 double max_iou) const {
  const BoxesByScore all = boxes_by_score(boxes, scores, max_iou);
  const std::size_t count = scores.size();
  if (count == 0) return {};
  FusionCall call(*state_);
  std::uint32_t* strikes = zero_relation(call, count);
  kernels::box_strikes(call.upload(std::span<const FloatBox>(pick<FloatBox>(all.boxes, all.order))), count, max_iou, strikes,
                       call.stream());
  const std::uint32_t* stays = call.fetch(stays_after(call, strikes, count, nullptr, 0.0), words_per_row(count));
  call.wait();
  return pick<std::int32_t>(all.order, set_bits(stays, count));
}

}  // namespace unsam::cuda
