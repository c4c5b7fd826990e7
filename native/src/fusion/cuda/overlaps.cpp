#include "fusion/check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

std::uint32_t* upload_masks(FusionCall& call, const MaskStackView& masks, std::span<const std::int32_t> order) {
  const std::size_t words = words_per_row(masks.width) * masks.height;
  std::uint32_t* to = call.device<std::uint32_t>(masks.count * words);
  call.upload_items(to, masks.count, words * sizeof(std::uint32_t), [&](std::size_t k) {
    return masks.words.data() + (order.empty() ? k : static_cast<std::size_t>(order[k])) * words;
  });
  return to;
}

DeviceMasks upload_masks(FusionCall& call, const MaskStackView& masks, std::span<const std::int32_t> boxes,
                         std::span<const std::uint32_t> areas, std::span<const std::int32_t> order) {
  std::vector<Tally> tallies(masks.count);
  for (std::size_t i = 0; i < masks.count; ++i) {
    const std::size_t k = order.empty() ? i : static_cast<std::size_t>(order[i]);
    tallies[i].area = areas.empty() ? 0 : areas[k];
    tallies[i].top = static_cast<std::uint32_t>(masks.height) - static_cast<std::uint32_t>(boxes[4 * k + 1]);
    tallies[i].bottom = static_cast<std::uint32_t>(boxes[4 * k + 3] + 1);
  }
  return {upload_masks(call, masks, order), call.upload(std::span<const Tally>(tallies)), masks.count,
          shape_of(masks.width, masks.height)};
}

Overlaps Fusion::pairwise_overlaps(const MaskStackView& masks, std::span<const std::int32_t> boxes) const {
  check_mask_stack(masks);
  check_mask_boxes(boxes, masks);
  const std::size_t pairs = masks.count < 2 ? 0 : masks.count * (masks.count - 1) / 2;
  Overlaps result{masks.count, std::vector<std::uint32_t>(pairs)};
  if (pairs == 0) return result;
  FusionCall call(*state_);
  const DeviceMasks there = upload_masks(call, masks, boxes, {}, {});
  std::uint32_t* common = call.device<std::uint32_t>(pairs);
  kernels::overlaps(there.words, there.tallies, there.count, there.shape, common, call.stream());
  call.download(result.common.data(), common, pairs);
  return result;
}

}  // namespace unsam::cuda
