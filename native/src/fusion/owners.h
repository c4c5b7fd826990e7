#pragma once

#include <cstdint>
#include <vector>

#include "unsam/fusion.h"

namespace unsam {

// What each label of a finest label map becomes at a granularity step, [regions + 1].
std::vector<std::int32_t> owners_at(const RegionForest& forest, std::uint16_t step);

}  // namespace unsam
