// The network of the nano model: a convolution network with a feature pyramid, from Lab pixels to the cues that a region
// tree is grown by.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam {

// Sides of the input are multiples of this many pixels, up to kNanoLongestSide.
inline constexpr std::size_t kNanoStride = 32, kNanoLongestSide = 4096;
// Channels of the input: L / 50 - 1, a / 40, b / 40, and L standardised over the image.
inline constexpr std::size_t kNanoInputChannels = 4;

// [kNanoInputChannels, height, width]
struct NanoInput {
  std::size_t width, height;
  std::span<const float> data;
};

// Planes at half the input's size.
struct NanoCues {
  std::size_t columns, rows, dimensions;
  std::vector<float> border;  // [rows, columns] probability that a border runs through each cell
  std::vector<float> height;  // [rows, columns] how high in the part-whole tree it lies
  std::vector<float> metric;  // [dimensions, rows, columns]
};

struct NanoOptions {
  std::size_t threads = 1;            // including the calling one; the result does not depend on it
  std::function<bool()> cancelled{};  // asked every few milliseconds, on any of the threads; true: stop. May be empty
};

class NanoEncoder {
 public:
  // Widths and depths are those of the tensors, whose memory is free afterwards. Throws Error(bad_checkpoint) for missing or
  // misshapen ones; others are ignored.
  explicit NanoEncoder(const TensorMap& tensors);
  ~NanoEncoder();
  NanoEncoder(const NanoEncoder&) = delete;
  NanoEncoder& operator=(const NanoEncoder&) = delete;

  // None: cancelled. Throws Error(bad_option). Safe to call from several threads at once.
  std::optional<NanoCues> encode(const NanoInput& input, const NanoOptions& options) const;

  std::size_t memory_bytes() const noexcept;  // of the packed weights

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace unsam
