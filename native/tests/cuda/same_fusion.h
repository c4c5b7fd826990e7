// Results of fusion compared whole: the same bits, integers and doubles.
#pragma once

#include "unsam/cuda_fusion.h"

namespace unsam {

inline bool same(const MaskStatistics& a, const MaskStatistics& b) {
  return a.masks.count == b.masks.count && a.masks.width == b.masks.width && a.masks.height == b.masks.height &&
         a.masks.words == b.masks.words && a.areas == b.areas && a.boxes == b.boxes && a.stability == b.stability;
}

inline bool same(const RegionForest& a, const RegionForest& b) {
  return a.parent == b.parent && a.level == b.level && a.order == b.order;
}

inline bool same(const Components& a, const Components& b) {
  return a.start == b.start && a.end == b.end && a.row_start == b.row_start && a.of_run == b.of_run && a.areas == b.areas;
}

inline bool same(const FusedScene& a, const FusedScene& b) {
  return a.kept == b.kept && same(a.statistics, b.statistics) && same(a.forest, b.forest) && a.finest == b.finest;
}

}  // namespace unsam
