// Depthwise convolution: a vector of channels at a time, several positions of a line together, which share the weights.
#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA::encoder {
namespace {

constexpr std::size_t kPositions = 8;

template <std::size_t Positions>
inline void positions(const Depthwise& v, std::size_t first, std::size_t channel) {
  Vec sum[Positions];
  const Vec bias = load(v.bias + channel);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Positions; ++i) sum[i] = bias;
  const float* weights = v.weights + channel;
  for (std::size_t y = 0; y < v.kernel; ++y) {
    const float* a = v.a + y * v.a_line + first * v.lda + channel;
    for (std::size_t x = 0; x < v.kernel; ++x, a += v.lda, weights += v.channels) {
      const Vec weight = load(weights);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Positions; ++i) sum[i] += load(a + i * v.lda) * weight;
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Positions; ++i) store(v.c + (first + i) * v.ldc + channel, sum[i]);
}

}  // namespace

void depthwise(const Depthwise& v) {
  for (std::size_t channel = 0; channel < v.channels; channel += kWidth) {
    std::size_t first = 0;
    for (; first + kPositions <= v.positions; first += kPositions) positions<kPositions>(v, first, channel);
    for (; first < v.positions; ++first) positions<1>(v, first, channel);
  }
}

}  // namespace unsam::UNSAM_ISA::encoder
