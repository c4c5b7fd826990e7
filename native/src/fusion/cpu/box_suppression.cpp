#include <algorithm>
#include <string>

#include "fusion/check.h"
#include "fusion/float_box.h"
#include "fusion/order.h"
#include "unsam/fusion.h"

namespace unsam {
namespace {

// Throws Error(bad_prompt).
std::vector<FloatBox> float_boxes(std::span<const double> boxes, std::size_t count) {
  check_per_mask("box corners", boxes, 4 * count);
  std::vector<FloatBox> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](std::size_t corner) { return static_cast<float>(boxes[4 * i + corner]); };
    FloatBox& box = all[i] = {at(0), at(1), at(2), at(3), 0.0f};
    if (box.x1 < box.x0 || box.y1 < box.y0) {
      throw Error(ErrorCode::bad_prompt, "Box " + std::to_string(i) + " is " + std::to_string(box.x0) + ", " +
                                             std::to_string(box.y0) + ", " + std::to_string(box.x1) + ", " +
                                             std::to_string(box.y1) + "; its corners are x0 <= x1, y0 <= y1.");
    }
    const float width = box.x1 - box.x0, height = box.y1 - box.y0;
    box.area = width * height;
  }
  return all;
}

}  // namespace

BoxesByScore boxes_by_score(std::span<const double> boxes, std::span<const double> scores, double max_iou) {
  const std::size_t count = scores.size();
  check_count(count);
  check_per_mask("scores", scores, count);
  std::vector<FloatBox> all = float_boxes(boxes, count);
  check_share("maxIoU", max_iou);
  const std::vector<float> rounded(scores.begin(), scores.end());
  return {std::move(all), by_score(std::span<const float>(rounded))};
}

std::vector<std::int32_t> suppress_boxes(std::span<const double> boxes, std::span<const double> scores,
                                         double max_iou) {
  const BoxesByScore all = boxes_by_score(boxes, scores, max_iou);
  std::vector<std::int32_t> kept;
  for (const std::int32_t index : all.order) {
    const FloatBox& a = all.boxes[static_cast<std::size_t>(index)];
    const bool goes = std::any_of(kept.begin(), kept.end(), [&](std::int32_t other) {
      const FloatBox& b = all.boxes[static_cast<std::size_t>(other)];
      const float width = std::max(0.0f, std::min(a.x1, b.x1) - std::max(a.x0, b.x0));
      const float height = std::max(0.0f, std::min(a.y1, b.y1) - std::max(a.y0, b.y0));
      const float common = width * height;
      const float joint = b.area + a.area;
      const float iou = common / (joint - common);
      return static_cast<double>(iou) > max_iou;
    });
    if (!goes) kept.push_back(index);
  }
  return kept;
}

}  // namespace unsam
