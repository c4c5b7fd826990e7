#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <vector>

namespace unsam {

struct Seconds {
  double wall;
  double cpu;  // of the whole process: what the work cost, also when other programs hold the cores
};

// Medians over `runs` calls.
template <typename F>
Seconds warm_median(std::size_t runs, F&& f) {
  std::vector<double> wall, cpu;
  for (std::size_t i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    f();
    wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    cpu.push_back(static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
  const auto middle = [runs](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(runs / 2), v.end());
    return v[runs / 2];
  };
  return {middle(wall), middle(cpu)};
}

// ... after one warm-up.
template <typename F>
Seconds median(std::size_t runs, F&& f) {
  f();
  return warm_median(runs, f);
}

template <typename F>
double warm_median_seconds(std::size_t runs, F&& f) {
  return warm_median(runs, f).wall;
}

template <typename F>
double median_seconds(std::size_t runs, F&& f) {
  return median(runs, f).wall;
}

}  // namespace unsam
