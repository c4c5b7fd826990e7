#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unsam/fusion.h"

namespace unsam {

// Levels and painting order of a forest whose parents are known. Throws Error(bad_prompt) for a granularity outside 0 to 1.
RegionForest forest_of_parents(std::vector<std::int32_t> parent, std::span<const std::uint32_t> areas,
                               std::span<const double> scores, std::span<const double> granularities);

}  // namespace unsam
