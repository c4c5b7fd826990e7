#include "fusion/check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {
namespace {

constexpr std::size_t kLogitBytes = std::size_t{32} << 20;  // on the device at a time; the masks stay, the logits need not

struct FloatThresholds {
  float low, middle, high;
  explicit FloatThresholds(const Thresholds& t)
      : low(float_below(t.threshold - t.stability_offset)),
        middle(float_below(t.threshold)),
        high(float_below(t.threshold + t.stability_offset)) {}
};

DeviceMasks empty_masks(FusionCall& call, std::size_t count, MaskShape shape) {
  return {call.device<std::uint32_t>(count * shape.words()), call.zeros<Tally>(count), count, shape};
}

template <typename Maps>
MaskStatistics statistics_of(Fusion::State& state, const Maps& maps, const Thresholds& thresholds) {
  FusionCall call(state);
  const DeviceMasks masks = make_masks(call, maps, thresholds, {});
  const Tally* tallies = call.fetch(masks.tallies, maps.count);
  MaskStatistics result;
  result.masks = {maps.count, maps.width, maps.height, std::vector<std::uint32_t>(maps.count * masks.shape.words())};
  call.download(result.masks.words.data(), masks.words, result.masks.words.size());
  read_tallies(tallies, maps.count, 0, result);
  return result;
}

}  // namespace

MaskShape shape_of(std::size_t width, std::size_t height) {
  return {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height),
          static_cast<std::uint32_t>(words_per_row(width))};
}

std::size_t masks_at_once(std::size_t count, std::size_t bytes_each, std::size_t budget) {
  return std::clamp<std::size_t>(budget / bytes_each, 1, count);
}

void check_logit_maps(const DeviceLogitMaps& maps) {
  check_count(maps.count);
  check_mask_size(maps.width, maps.height);
  if (maps.count == 0 || maps.data == nullptr) {
    throw Error(ErrorCode::bad_prompt, "There are no logits to make masks of; give at least one map.");
  }
}

DeviceMasks make_masks(FusionCall& call, const LogitMaps& maps, const Thresholds& thresholds,
                       std::span<const std::int32_t> order) {
  const DeviceMasks masks = empty_masks(call, maps.count, shape_of(maps.width, maps.height));
  const FloatThresholds t(thresholds);
  const std::size_t pixels = maps.height * maps.width;
  const std::size_t at_once = masks_at_once(maps.count, pixels * sizeof(float), kLogitBytes);
  float* logits = call.device<float>(at_once * pixels);
  for (std::size_t first = 0; first < maps.count; first += at_once) {
    const std::size_t n = std::min(at_once, maps.count - first);
    call.upload_items(logits, n, pixels * sizeof(float), [&](std::size_t k) {
      const std::size_t map = order.empty() ? first + k : static_cast<std::size_t>(order[first + k]);
      return maps.data.data() + map * pixels;
    });
    kernels::mask_statistics(logits, nullptr, n, masks.shape, t.low, t.middle, t.high,
                             masks.words + first * masks.shape.words(), masks.tallies + first, call.stream());
  }
  return masks;
}

DeviceMasks make_masks(FusionCall& call, const DeviceLogitMaps& maps, const Thresholds& thresholds,
                       std::span<const std::int32_t> order) {
  const DeviceMasks masks = empty_masks(call, maps.count, shape_of(maps.width, maps.height));
  const FloatThresholds t(thresholds);
  if (maps.written_on != nullptr) call.wait_for(static_cast<cudaStream_t>(maps.written_on));
  kernels::mask_statistics(maps.data, order.empty() ? nullptr : call.upload(order), maps.count, masks.shape, t.low, t.middle,
                           t.high, masks.words, masks.tallies, call.stream());
  return masks;
}

void read_tallies(const Tally* tallies, std::size_t count, std::size_t first, MaskStatistics& result) {
  const auto width = static_cast<std::int32_t>(result.masks.width), height = static_cast<std::int32_t>(result.masks.height);
  result.areas.resize(first + count);
  result.boxes.resize(4 * (first + count));
  result.stability.resize(first + count);
  for (std::size_t i = 0; i < count; ++i) {
    const Tally& t = tallies[i];
    const std::size_t k = first + i;
    result.areas[k] = t.area;
    if (t.area != 0) {
      result.boxes[4 * k] = width - static_cast<std::int32_t>(t.left);
      result.boxes[4 * k + 1] = height - static_cast<std::int32_t>(t.top);
      result.boxes[4 * k + 2] = static_cast<std::int32_t>(t.right) - 1;
      result.boxes[4 * k + 3] = static_cast<std::int32_t>(t.bottom) - 1;
    }
    result.stability[k] = t.low == 0 ? 0.0 : static_cast<double>(t.high) / static_cast<double>(t.low);
  }
}

MaskStatistics Fusion::mask_statistics(const LogitMaps& maps, const Thresholds& thresholds) const {
  unsam::check_logit_maps(maps);
  check_thresholds(thresholds);
  return statistics_of(*state_, maps, thresholds);
}

MaskStatistics Fusion::mask_statistics(const DeviceLogitMaps& maps, const Thresholds& thresholds) const {
  check_logit_maps(maps);
  check_thresholds(thresholds);
  return statistics_of(*state_, maps, thresholds);
}

}  // namespace unsam::cuda
