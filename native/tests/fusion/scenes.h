// Random inputs of the fusion tests, and pixels one by one.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "test.h"
#include "unsam/masks.h"

namespace scenes {

inline std::size_t between(test::Random& random, std::size_t low, std::size_t high) {
  return std::uniform_int_distribution<std::size_t>(low, high)(random);
}

inline double uniform(test::Random& random) { return std::uniform_real_distribution<double>(0.0, 1.0)(random); }

// Rectangles of +-2 with noise, some values exactly on thresholds, `hostile`: some NaN.
inline std::vector<float> logits(test::Random& random, std::size_t count, std::size_t h, std::size_t w, bool hostile) {
  std::vector<float> data = test::normal(random, count * h * w);
  for (std::size_t k = 0, i = 0; k < count; ++k) {
    const std::size_t x0 = between(random, 0, w), y0 = between(random, 0, h);
    const std::size_t x1 = x0 + between(random, 0, w), y1 = y0 + between(random, 0, h);
    const bool empty = uniform(random) < 0.1, smooth = uniform(random) < 0.3;
    for (std::size_t y = 0; y < h; ++y) {
      for (std::size_t x = 0; x < w; ++x, ++i) {
        const bool inside = x >= x0 && x <= x1 && y >= y0 && y <= y1 && !empty;
        data[i] = (inside ? 2.0f : -2.0f) * (smooth ? 3.0f : 1.0f) + (empty || smooth ? 0.0f : data[i]);
        if (uniform(random) < 0.02) data[i] = static_cast<float>(between(random, 0, 2)) - 1.0f;
        if (hostile && uniform(random) < 0.01) data[i] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
  return data;
}

inline bool pixel(std::span<const std::uint32_t> words, std::size_t width, std::size_t x, std::size_t y) {
  return (words[y * unsam::words_per_row(width) + x / 32] >> (x % 32) & 1u) != 0;
}

inline std::vector<std::uint32_t> pack(const std::vector<std::uint8_t>& bytes, std::size_t width, std::size_t height) {
  std::vector<std::uint32_t> words(unsam::words_per_row(width) * height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      if (bytes[y * width + x] != 0) words[y * unsam::words_per_row(width) + x / 32] |= 1u << (x % 32);
    }
  }
  return words;
}

// Noise of a random density, in blobs of a random size.
inline std::vector<std::uint8_t> mask_bytes(test::Random& random, std::size_t width, std::size_t height) {
  const double density = uniform(random);
  const std::size_t blob = between(random, 1, 6);
  std::vector<std::uint8_t> coarse((width / blob + 1) * (height / blob + 1)), bytes(width * height);
  for (std::uint8_t& value : coarse) value = uniform(random) < density;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) bytes[y * width + x] = coarse[y / blob * (width / blob + 1) + x / blob];
  }
  return bytes;
}

// Counts row by row as the definition says.
inline unsam::RunLengths plain_run_lengths(std::span<const std::uint32_t> words, std::size_t width,
                                           std::size_t height) {
  unsam::RunLengths counts{0};
  bool foreground = false;
  for (std::size_t x = 0; x < width; ++x) {
    for (std::size_t y = 0; y < height; ++y) {
      if (pixel(words, width, x, y) != foreground) {
        foreground = !foreground;
        counts.push_back(0);
      }
      ++counts.back();
    }
  }
  return counts;
}

}  // namespace scenes
