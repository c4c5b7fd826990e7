#include "fusion/check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {
namespace {

constexpr std::size_t kBytes = std::size_t{128} << 20;  // of logits, masks and columns on the device at a time

// logits(first, n): the device's copy of maps first, first + 1, ...
template <typename Logits>
FinishedMasks finish(FusionCall& call, std::size_t count, std::size_t w, std::size_t h, std::size_t width, std::size_t height,
                     const FinishOptions& options, std::size_t at_once, Logits&& logits) {
  const FinishLimits limits = finish_limits(options.thresholds);
  const MaskShape shape = shape_of(width, height);
  FinishedMasks result;
  MaskStatistics& statistics = result.statistics;
  statistics.masks = {count, width, height, {}};
  if (options.keep_words) statistics.masks.words.resize(count * shape.words());
  if (options.run_lengths) result.run_lengths.resize(count);
  std::uint32_t* words = call.device<std::uint32_t>(at_once * shape.words());
  Tally* tallies = call.zeros<Tally>(count);
  for (std::size_t first = 0; first < count; first += at_once) {
    const std::size_t n = std::min(at_once, count - first);
    kernels::finish(logits(first, n), n, static_cast<std::uint32_t>(w), static_cast<std::uint32_t>(h), shape, limits, words,
                    tallies + first, call.stream());
    if (options.run_lengths) run_lengths(call, {words, tallies + first, n, shape}, &result.run_lengths[first]);
    if (options.keep_words) call.download(&statistics.masks.words[first * shape.words()], words, n * shape.words());
  }
  const Tally* found = call.fetch(tallies, count);
  call.wait();
  read_tallies(found, count, 0, statistics);
  return result;
}

std::size_t bytes_each(std::size_t width, std::size_t height, const FinishOptions& options) {
  return (shape_of(width, height).words() + (options.run_lengths ? width : 0)) * sizeof(std::uint32_t);
}

}  // namespace

FinishedMasks Fusion::finish_masks(const LogitMaps& maps, std::size_t width, std::size_t height,
                                   const FinishOptions& options) const {
  unsam::check_logit_maps(maps);
  check_thresholds(options.thresholds);
  check_mask_size(width, height);
  FusionCall call(*state_);
  const std::size_t pixels = maps.width * maps.height;
  const std::size_t at_once = masks_at_once(maps.count, bytes_each(width, height, options) + pixels * sizeof(float), kBytes);
  float* logits = call.device<float>(at_once * pixels);
  return finish(call, maps.count, maps.width, maps.height, width, height, options, at_once,
                [&](std::size_t first, std::size_t n) {
                  call.upload(logits, maps.data.subspan(first * pixels, n * pixels));
                  return logits;
                });
}

FinishedMasks Fusion::finish_masks(const DeviceLogitMaps& maps, std::size_t width, std::size_t height,
                                   const FinishOptions& options) const {
  check_logit_maps(maps);
  check_thresholds(options.thresholds);
  check_mask_size(width, height);
  FusionCall call(*state_);
  if (maps.written_on != nullptr) call.wait_for(static_cast<cudaStream_t>(maps.written_on));
  const std::size_t at_once = masks_at_once(maps.count, bytes_each(width, height, options), kBytes);
  return finish(call, maps.count, maps.width, maps.height, width, height, options, at_once,
                [&](std::size_t first, std::size_t) { return maps.data + first * maps.width * maps.height; });
}

}  // namespace unsam::cuda
