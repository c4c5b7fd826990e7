#include "fusion/check.h"
#include "fusion/order.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

std::vector<std::int32_t> Fusion::suppress_boxes(std::span<const double> boxes, std::span<const double> scores,
                                                 double max_iou) const {
  const std::size_t count = scores.size();
  check_count(count);
  check_per_mask("scores", scores, count);
  const std::vector<FloatBox> all = float_boxes(boxes, count);
  check_share("maxIoU", max_iou);
  if (count == 0) return {};
  const std::vector<float> rounded(scores.begin(), scores.end());
  const std::vector<std::int32_t> order = by_score(std::span<const float>(rounded));
  Call call(*state_);
  std::uint32_t* strikes = zero_relation(call, count);
  kernels::box_strikes(call.upload(std::span<const FloatBox>(pick<FloatBox>(all, order))), count, max_iou, strikes,
                       call.stream());
  const std::uint32_t* stays = call.fetch(stays_after(call, strikes, count, nullptr, 0.0), words_per_row(count));
  call.wait();
  return pick<std::int32_t>(order, set_bits(stays, count));
}

}  // namespace unsam::cuda
