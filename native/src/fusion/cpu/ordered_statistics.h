#pragma once

#include <span>

#include "unsam/masks.h"

namespace unsam {

// mask_statistics with mask k made from map order[k]; an empty order is that of the maps.
MaskStatistics ordered_statistics(const LogitMaps& maps, const Thresholds& thresholds,
                                  std::span<const std::int32_t> order, const ParallelFor& parallel);

}  // namespace unsam
