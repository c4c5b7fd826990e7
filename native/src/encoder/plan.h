// What follows from an encoder's plan.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "unsam/encoder.h"

namespace unsam::encoder {

struct BlockShape {
  std::size_t index, width_in, width, heads, head_dim, hidden;
  std::size_t window;  // 0: the whole map
  bool pools;
  std::size_t side;      // of the incoming map
  std::size_t side_out;
  bool projects;         // the shortcut changes its width
  // Number of the level of the pyramid that this block completes; -1: none.
  int level;
};

// One of the three results: a sum of linear maps of levels `base` to `base + terms - 1`, the coarser ones enlarged.
struct OutputShape {
  std::size_t channels, base, terms;
};

struct Shape {
  explicit Shape(const EncoderPlan& plan);  // throws Error(bad_option)

  EncoderPlan plan;
  std::size_t side;  // of the first map
  std::vector<BlockShape> blocks;
  std::array<std::size_t, 4> level_side, level_width;
  std::array<OutputShape, 3> outputs;  // image_embed, high_res_0, high_res_1
};

}  // namespace unsam::encoder
