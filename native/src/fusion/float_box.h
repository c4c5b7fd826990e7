#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace unsam {

// A box as box suppression compares it.
struct FloatBox {
  float x0, y0, x1, y1, area;
};

// What box suppression works on: boxes of four corners each, rounded to float, and the order by score, the best first.
struct BoxesByScore {
  std::vector<FloatBox> boxes;
  std::vector<std::int32_t> order;
};

// Throws Error(bad_prompt, bad_option) for what box suppression does not take.
BoxesByScore boxes_by_score(std::span<const double> boxes, std::span<const double> scores, double max_iou);

}  // namespace unsam
