#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace unsam {

// Median seconds of `runs` calls after one warm-up.
template <typename F>
double median_seconds(std::size_t runs, F&& f) {
  f();
  std::vector<double> times;
  for (std::size_t i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(runs / 2), times.end());
  return times[runs / 2];
}

}  // namespace unsam
