#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace unsam {

// A box as box suppression compares it.
struct FloatBox {
  float x0, y0, x1, y1, area;
};

// `count` boxes of four corners each, rounded to float. Throws Error(bad_prompt).
std::vector<FloatBox> float_boxes(std::span<const double> boxes, std::size_t count);

}  // namespace unsam
