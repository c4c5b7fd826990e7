// Where windows lie on a map of tokens.
#pragma once

#include <cstddef>
#include <vector>

namespace unsam::encoder {

// A square of `side` tokens of which `height` x `width` lie on the map; the others are padding, at the bottom and right.
struct Window {
  std::size_t y, x, side, height, width;

  std::size_t tokens() const { return height * width; }
  std::size_t padding() const { return side * side - tokens(); }
  // Keys of its attention: equal ones, those of the padding, count as one.
  std::size_t keys() const { return tokens() + (padding() > 0 ? 1 : 0); }
};

// Row by row; window 0: the whole map.
std::vector<Window> windows_of(std::size_t map_side, std::size_t window);

// Where the pooled queries of a window go on the map of half the side.
Window pooled_window(const Window& window, std::size_t map_side);

}  // namespace unsam::encoder
