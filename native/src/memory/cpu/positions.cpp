#include "memory/cpu/positions.h"

#include <cmath>
#include <numbers>

namespace unsam::memory {
namespace {

constexpr double kTemperature = 10000;

// Positions count from 1.
std::vector<float> sine_table(std::size_t side, std::size_t channels) {
  const std::size_t half = channels / 2;
  std::vector<float> table(side * half);
  for (std::size_t cell = 0; cell < side; ++cell) {
    const double position = static_cast<double>(cell + 1) / (static_cast<double>(side) + 1e-6) * 2 * std::numbers::pi;
    for (std::size_t i = 0; i < half; ++i) {
      const double phase = position / std::pow(kTemperature, static_cast<double>(i / 2 * 2) / static_cast<double>(half));
      table[cell * half + i] = static_cast<float>(i % 2 == 0 ? std::sin(phase) : std::cos(phase));
    }
  }
  return table;
}

void turn(std::size_t n, const float* cosine, const float* sine, float* first, float* second) {
  for (std::size_t i = 0; i < n; ++i) {
    const float a = first[i], b = second[i];
    first[i] = a * cosine[i] - b * sine[i];
    second[i] = a * sine[i] + b * cosine[i];
  }
}

}  // namespace

Positions::Positions(const MemoryPlan& plan)
    : side(plan.image_size / 16), features(sine_table(side, plan.width)), memory(sine_table(side, plan.memory_width)) {
  const std::size_t pairs = plan.width / 4;
  cosine.resize(side * pairs);
  sine.resize(side * pairs);
  for (std::size_t cell = 0; cell < side; ++cell) {
    for (std::size_t j = 0; j < pairs; ++j) {
      // Positions count from 0 here.
      const double frequency = std::pow(plan.rope_theta, -4.0 * static_cast<double>(j) / static_cast<double>(plan.width));
      const double angle = static_cast<double>(cell) * frequency;
      cosine[cell * pairs + j] = static_cast<float>(std::cos(angle));
      sine[cell * pairs + j] = static_cast<float>(std::sin(angle));
    }
  }
}

void Positions::add(const std::vector<float>& table, std::size_t channels, std::size_t cell, float share, float* row) const {
  const std::size_t half = channels / 2;
  const float *y = table.data() + cell / side * half, *x = table.data() + cell % side * half;
  for (std::size_t i = 0; i < half; ++i) row[i] += share * y[i];
  for (std::size_t i = 0; i < half; ++i) row[half + i] += share * x[i];
}

void Positions::rotate(std::size_t width, std::size_t cell, float* row) const {
  const std::size_t pairs = width / 4, x = cell % side * pairs, y = cell / side * pairs;
  turn(pairs, cosine.data() + x, sine.data() + x, row, row + 2 * pairs);
  turn(pairs, cosine.data() + y, sine.data() + y, row + pairs, row + 3 * pairs);
}

}  // namespace unsam::memory
