// Steps on the device that several functions of Fusion share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fusion/cuda/call.h"

namespace unsam::cuda {

struct DeviceMasks {
  std::uint32_t* words;
  Tally* tallies;
  std::size_t count;
  MaskShape shape;
};

MaskShape shape_of(std::size_t width, std::size_t height);

// Masks that are handled together so that they take about `budget` bytes; at least one.
std::size_t masks_at_once(std::size_t count, std::size_t bytes_each, std::size_t budget);

// Mask k of the result is mask order[k]; an empty order is that of the masks.
std::uint32_t* upload_masks(FusionCall& call, const MaskStackView& masks, std::span<const std::int32_t> order = {});
// Masks with tallies of which only the rows of the box, and the area where there are areas, are filled in.
DeviceMasks upload_masks(FusionCall& call, const MaskStackView& masks, std::span<const std::int32_t> boxes,
                         std::span<const std::uint32_t> areas, std::span<const std::int32_t> order);

void check_logit_maps(const DeviceLogitMaps& maps);

// Mask k is made from map order[k], as ordered_statistics of src/cpu does. Both have been checked.
DeviceMasks make_masks(FusionCall& call, const LogitMaps& maps, const Thresholds& thresholds,
                       std::span<const std::int32_t> order);
DeviceMasks make_masks(FusionCall& call, const DeviceLogitMaps& maps, const Thresholds& thresholds,
                       std::span<const std::int32_t> order);

// Areas, boxes and stability of masks first, first + 1, ... of the result.
void read_tallies(const Tally* tallies, std::size_t count, std::size_t first, MaskStatistics& result);

// Waits. Run lengths of all masks; of the tallies, top and bottom are read.
void run_lengths(FusionCall& call, const DeviceMasks& masks, RunLengths* result);

// Bits on the device, [words_per_row(count)].
std::uint32_t* stays_after(FusionCall& call, const std::uint32_t* strikes, std::size_t count, const Tally* tallies,
                           double min_area);
// Positions whose bits are set.
std::vector<std::int32_t> set_bits(const std::uint32_t* bits, std::size_t count);
std::uint32_t* zero_relation(FusionCall& call, std::size_t count);

}  // namespace unsam::cuda
