// Linear maps with their weights packed for the kernels.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "decoder/cpu/buffer.h"
#include "encoder/cpu/kernels.h"

namespace unsam::encoder {

inline void put_weight(float* out, double x) { *out = static_cast<float>(x); }
// bfloat16, to nearest even.
inline void put_weight(std::uint16_t* out, double x) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  *out = static_cast<std::uint16_t>(is_nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// y[n] = W x[depth] + b.
template <class T>
struct Linear {
  std::size_t n = 0, depth = 0;  // depth: with the zeros the format asks for
  Buffer<T> panels;
  Buffer<float> bias;  // [padded(n)]

  std::size_t bytes() const { return panels_size * sizeof(T) + padded(n) * sizeof(float); }
  std::size_t panels_size = 0;

  void reserve_bias(std::size_t outputs) {
    n = outputs;
    bias.reserve(padded(n));
    for (std::size_t i = 0; i < padded(n); ++i) bias[i] = 0.0f;
  }

  // weight(output, input) as a double.
  template <class Weight>
  void pack(const Math<T>& math, std::size_t outputs, std::size_t inputs, Weight weight) {
    n = outputs;
    depth = round_up(inputs, math.depth_step);
    panels_size = depth * (n / math.panel * math.panel + round_up(n % math.panel, math.column_step));
    panels.reserve(panels_size);
    T* out = panels.data();
    const std::size_t step = math.depth_step;
    for (std::size_t first = 0; first < n; first += math.panel) {
      const std::size_t here = n - first < math.panel ? n - first : math.panel;
      const std::size_t columns = round_up(here, math.column_step);
      for (std::size_t k = 0; k < depth; k += step) {
        for (std::size_t column = 0; column < columns; ++column) {
          for (std::size_t i = k; i < k + step; ++i) {
            put_weight(out++, column < here && i < inputs ? weight(first + column, i) : 0.0);
          }
        }
      }
    }
  }

  // Where the panel of an output begins that is a multiple of the panel's width.
  const T* from(std::size_t output) const { return panels.data() + output * depth; }
};

}  // namespace unsam::encoder
