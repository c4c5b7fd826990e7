#include "fusion/check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {
namespace {

constexpr std::size_t kBytes = std::size_t{128} << 20;  // of masks on the device at a time

}  // namespace

void run_lengths(FusionCall& call, const DeviceMasks& masks, RunLengths* result) {
  const std::size_t columns_in_all = masks.count * masks.shape.width;
  std::uint32_t* columns = call.device<std::uint32_t>(columns_in_all + 1);
  kernels::column_changes(masks.words, masks.tallies, masks.count, masks.shape, columns, nullptr, call.stream());
  call.scan(columns, columns_in_all);
  std::uint32_t* firsts_on_device = call.device<std::uint32_t>(masks.count + 1);
  kernels::first_columns(columns, masks.count, masks.shape.width, firsts_on_device, call.stream());
  const std::uint32_t* firsts = call.fetch(firsts_on_device, masks.count + 1);
  call.wait();
  std::vector<std::uint32_t> places(firsts[masks.count]);
  if (!places.empty()) {
    std::uint32_t* places_on_device = call.device<std::uint32_t>(places.size());
    kernels::column_changes(masks.words, masks.tallies, masks.count, masks.shape, columns, places_on_device, call.stream());
    call.download(places.data(), places_on_device, places.size());
  }
  for (std::size_t k = 0; k < masks.count; ++k) {
    RunLengths& lengths = result[k];
    lengths.resize(firsts[k + 1] - firsts[k] + 1);
    std::uint32_t before = 0;
    for (std::size_t i = 0; i + 1 < lengths.size(); ++i) {
      const std::uint32_t at = places[firsts[k] + i];
      lengths[i] = at - before;
      before = at;
    }
    lengths.back() = masks.shape.width * masks.shape.height - before;
  }
}

std::vector<RunLengths> Fusion::encode_rle(const MaskStackView& masks) const {
  check_mask_stack(masks);
  std::vector<RunLengths> result(masks.count);
  const std::size_t words = words_per_row(masks.width) * masks.height;
  const std::size_t at_once = masks.count == 0 ? 1 : masks_at_once(masks.count, 4 * (words + masks.width), kBytes);
  // Their boxes are not known: the whole image.
  const std::int32_t whole[4] = {0, 0, static_cast<std::int32_t>(masks.width) - 1, static_cast<std::int32_t>(masks.height) - 1};
  for (std::size_t first = 0; first < masks.count; first += at_once) {
    const std::size_t n = std::min(at_once, masks.count - first);
    std::vector<std::int32_t> boxes;
    for (std::size_t k = 0; k < n; ++k) boxes.insert(boxes.end(), whole, whole + 4);
    FusionCall call(*state_);
    run_lengths(call,
                upload_masks(call, {n, masks.width, masks.height, masks.words.subspan(first * words, n * words)}, boxes, {}, {}),
                &result[first]);
  }
  return result;
}

}  // namespace unsam::cuda
