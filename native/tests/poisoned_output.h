// Outputs of kernels that start as NaN and have guard cells behind them, so a value not written or written outside shows.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

namespace test {

constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();
constexpr float kGuard = 1234.5f;

// n poisoned floats and 64 guard cells.
struct Out {
  explicit Out(std::size_t n) : size(n), v(n + 64, kPoison) { std::fill(v.begin() + static_cast<std::ptrdiff_t>(n), v.end(), kGuard); }
  Out(const std::vector<float>& start) : Out(start.size()) { std::copy(start.begin(), start.end(), v.begin()); }
  float* data() { return v.data(); }
  float operator[](std::size_t i) const { return v[i]; }
  bool intact() const {
    return std::all_of(v.begin() + static_cast<std::ptrdiff_t>(size), v.end(), [](float x) { return x == kGuard; });
  }
  std::size_t size;
  std::vector<float> v;
};

}  // namespace test
