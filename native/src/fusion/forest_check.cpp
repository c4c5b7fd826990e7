#include "fusion/forest_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fusion/check.h"

namespace unsam {

void check_forest(const RegionForest& forest) {
  const std::size_t count = forest.parent.size();
  check_count(count);
  check_one_each("levels", forest.level.size(), count);
  check_one_each("places in the painting order", forest.order.size(), count);
  std::vector<bool> seen(count);
  for (const std::int32_t region : forest.order) {
    const auto i = static_cast<std::size_t>(region);
    bool sound = region >= 0 && i < count && !seen[i];
    if (sound && forest.parent[i] >= 0) {
      const auto up = static_cast<std::size_t>(forest.parent[i]);
      sound = up < count && seen[up] && forest.level[up] >= forest.level[i];
    }
    if (!sound) {
      throw Error(ErrorCode::bad_prompt,
                  "The forest is malformed at region " + std::to_string(region) +
                      "; every region comes once, after its parent, whose level is not lower.");
    }
    seen[i] = true;
  }
}

void check_label_map(std::span<const std::int32_t> finest, std::size_t width, std::size_t height) {
  check_mask_size(width, height);
  if (finest.size() != width * height) {
    throw Error(ErrorCode::bad_prompt, "A label map of " + std::to_string(width) + "x" + std::to_string(height) +
                                           " pixels takes " + std::to_string(width * height) + " values, not " +
                                           std::to_string(finest.size()) + ".");
  }
}

void check_labels(std::span<const std::int32_t> labels, std::size_t regions) {
  bool sound = true;
  for (const std::int32_t label : labels) sound = sound && label >= 0 && static_cast<std::size_t>(label) <= regions;
  if (sound) return;
  throw Error(ErrorCode::bad_prompt,
              "The label map has labels outside 0 to " + std::to_string(regions) + ", the number of regions.");
}

}  // namespace unsam
