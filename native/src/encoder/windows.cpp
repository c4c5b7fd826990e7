#include "encoder/windows.h"

#include <algorithm>

namespace unsam::encoder {

std::vector<Window> windows_of(std::size_t map_side, std::size_t window) {
  const std::size_t side = window == 0 ? map_side : window;
  std::vector<Window> all;
  for (std::size_t y = 0; y < map_side; y += side) {
    for (std::size_t x = 0; x < map_side; x += side) {
      all.push_back({y, x, side, std::min(side, map_side - y), std::min(side, map_side - x)});
    }
  }
  return all;
}

Window pooled_window(const Window& window, std::size_t map_side) {
  // Windows are halved, and so is the map; where the window's side is odd its last row and column fall away.
  const std::size_t half = window.side / 2, side = map_side / 2;
  const std::size_t y = window.y / window.side * half, x = window.x / window.side * half;
  return {y, x, half, std::min(half, side - std::min(side, y)), std::min(half, side - std::min(side, x))};
}

}  // namespace unsam::encoder
