// Hierarchical fusion on a CUDA device: the functions of unsam/masks.h and unsam/fusion.h with the same results, bit for bit,
// seen without CUDA's own headers. Logits may lie on the device already; packed masks, labels and numbers come back.
//
// Every function throws what its CPU version throws, and Error(out_of_memory), after which the object works as before, or
// Error(device). All may be called from several threads at once, each call on a stream of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "unsam/fusion.h"
#include "unsam/masks.h"

namespace unsam::cuda {

struct FusionSettings {
  int device = 0;
  std::size_t memory_limit = 0;  // bytes of device memory, 0: what the device has
  bool keep_memory = true;       // keep returned device memory (at most 512 MB) and streams for the next call
};

// Logits in the memory of the object's device, [count, height, width], row after row without gaps.
struct DeviceLogitMaps {
  std::size_t count, height, width;
  const float* data;
  // The stream (cudaStream_t) they are being written on: what is enqueued there by now is waited for, on the device, not
  // by the caller. Null: they are complete.
  void* written_on = nullptr;
};

class Fusion {
 public:
  // Throws Error(unsupported) where CUDA or the device cannot be used, Error(bad_option) for a wrong device index.
  explicit Fusion(const FusionSettings& settings = {});
  ~Fusion();
  Fusion(const Fusion&) = delete;
  Fusion& operator=(const Fusion&) = delete;

  MaskStatistics mask_statistics(const LogitMaps& maps, const Thresholds& thresholds) const;
  MaskStatistics mask_statistics(const DeviceLogitMaps& maps, const Thresholds& thresholds) const;

  FinishedMasks finish_masks(const LogitMaps& maps, std::size_t width, std::size_t height,
                             const FinishOptions& options) const;
  FinishedMasks finish_masks(const DeviceLogitMaps& maps, std::size_t width, std::size_t height,
                             const FinishOptions& options) const;

  // encode_rle of each mask.
  std::vector<RunLengths> encode_rle(const MaskStackView& masks) const;
  Components find_components(std::span<const std::uint32_t> words, std::size_t width, std::size_t height,
                             Connectivity connectivity) const;
  // remove_small_regions of each mask.
  MaskStack remove_small_regions(const MaskStackView& masks, SmallRegions which, double min_area,
                                 Connectivity connectivity = Connectivity::eight) const;

  Overlaps pairwise_overlaps(const MaskStackView& masks, std::span<const std::int32_t> boxes) const;
  // remove_duplicates and build_forest from the masks themselves: the overlaps between stay on the device, as bits.
  std::vector<std::int32_t> remove_duplicates(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                                              std::span<const std::uint32_t> areas, std::span<const double> scores,
                                              double max_iou) const;
  RegionForest build_forest(const MaskStackView& masks, std::span<const std::int32_t> boxes,
                            std::span<const std::uint32_t> areas, std::span<const double> scores,
                            std::span<const double> granularities, double containment) const;
  std::vector<std::int32_t> suppress_boxes(std::span<const double> boxes, std::span<const double> scores,
                                           double max_iou) const;

  std::vector<std::int32_t> finest_labels(const MaskStackView& masks, const RegionForest& forest) const;
  std::vector<std::int32_t> label_map_at(std::span<const std::int32_t> finest, const RegionForest& forest,
                                         double granularity) const;
  FusedMap fuse_labels(std::span<const std::int32_t> finest, const RegionForest& forest, std::size_t width,
                       std::size_t height) const;

  // From logits to the scene with two waits: after the forest's parents, and at the end.
  FusedScene fuse_logits(const LogitMaps& maps, std::span<const double> scores, std::span<const double> granularities,
                         const FusionOptions& options) const;
  FusedScene fuse_logits(const DeviceLogitMaps& maps, std::span<const double> scores,
                         std::span<const double> granularities, const FusionOptions& options) const;

  std::size_t memory_bytes() const;  // device memory in use

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace unsam::cuda
