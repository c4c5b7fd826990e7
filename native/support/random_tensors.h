// Tensors under names with seeded random values, drawn in the order in which they are added.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "unsam/weights.h"

namespace unsam {

struct RandomTensors {
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, std::vector<std::size_t>> shapes;

  TensorView view(const std::string& name) const { return {values.at(name), shapes.at(name)}; }
  TensorMap tensors() const {
    TensorMap map;
    for (const auto& [name, data] : values) map.emplace(name, TensorView{data, shapes.at(name)});
    return map;
  }

 protected:
  explicit RandomTensors(std::uint64_t seed) : random_(seed) {}

  // Evenly spread from middle - spread to middle + spread.
  void add(const std::string& name, std::vector<std::size_t> shape, float spread, float middle = 0.0f) {
    std::uniform_real_distribution<float> even(-1.0f, 1.0f);
    fill(name, std::move(shape), [&] { return middle + spread * even(random_); });
  }
  void add_normal(const std::string& name, std::vector<std::size_t> shape, float deviation, float mean = 0.0f) {
    std::normal_distribution<float> normal(mean, deviation);
    fill(name, std::move(shape), [&] { return normal(random_); });
  }
  // A weight [out, inputs...] that keeps values of order one.
  void add_weight(const std::string& name, std::vector<std::size_t> shape) {
    const float inputs = static_cast<float>(count(shape) / shape[0]);
    add(name, std::move(shape), std::sqrt(3.0f / inputs));
  }

 private:
  static std::size_t count(const std::vector<std::size_t>& shape) {
    std::size_t n = 1;
    for (const std::size_t side : shape) n *= side;
    return n;
  }
  template <class Draw>
  void fill(const std::string& name, std::vector<std::size_t> shape, Draw draw) {
    std::vector<float>& data = values[name];
    data.resize(count(shape));
    for (float& x : data) x = draw();
    shapes[name] = std::move(shape);
  }

  std::mt19937_64 random_;
};

// Values of a normal distribution around 0.
inline std::vector<float> normal_values(std::uint64_t seed, std::size_t count, float deviation = 1.0f) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(count);
  for (float& x : values) x = normal(random);
  return values;
}

}  // namespace unsam
