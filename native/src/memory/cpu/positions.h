// What is known of the places of a map before any frame comes.
#pragma once

#include <cstddef>
#include <vector>

#include "unsam/memory.h"

namespace unsam::memory {

// Along one side; both axes are the same.
struct Positions {
  explicit Positions(const MemoryPlan& plan);

  std::size_t side;
  // Sine encodings of Carion et al. (2020), [side][channels / 2]: half of the channels are those of y, then those of x.
  std::vector<float> features, memory;
  // Of the rotary encoding (Heo et al. 2024), [side][d / 4]: the first half of the channel pairs turns with x, the second with y.
  std::vector<float> cosine, sine;

  // row[channels] += share * the encoding of a cell.
  void add(const std::vector<float>& table, std::size_t channels, std::size_t cell, float share, float* row) const;
  // Turns the pairs (i, d / 2 + i) of a row by the angles of its cell.
  void rotate(std::size_t width, std::size_t cell, float* row) const;
};

}  // namespace unsam::memory
