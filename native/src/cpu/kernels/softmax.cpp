// The two softmaxes of cross-attention: over prompt tokens (lane by lane) and over image tokens (along the lanes).
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

void softmax_tokens(std::size_t heads, std::size_t t, const float* bias, float* s) {
  for (std::size_t head = 0; head < heads; ++head) {
    float* rows = s + head * t * kLanes;
    for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
      const auto score = [&](std::size_t i) {
        const Vec raw = load(rows + i * kLanes + lane);
        return bias != nullptr ? raw + bias[head * t + i] : raw;
      };
      Vec top = score(0);
      for (std::size_t i = 1; i < t; ++i) top = max(top, score(i));
      Vec sum{};
      for (std::size_t i = 0; i < t; ++i) {
        const Vec e = exp(score(i) - top);
        store(rows + i * kLanes + lane, e);
        sum += e;
      }
      const Vec scale = splat(1.0f) / sum;
      for (std::size_t i = 0; i < t; ++i) {
        store(rows + i * kLanes + lane, load(rows + i * kLanes + lane) * scale);
      }
    }
  }
}

void softmax_chunk(std::size_t rows, std::size_t blocks, std::size_t valid, float* s, std::size_t s_block, float* max_out,
                   float* sum_out) {
  float* last = s + (blocks - 1) * s_block;
  if (valid < kLanes) {  // padding lanes: below every real score, and exactly 0 afterwards
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t lane = valid; lane < kLanes; ++lane) last[row * kLanes + lane] = -__builtin_inff();
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    Vec top = splat(-__builtin_inff());
    for (std::size_t block = 0; block < blocks; ++block) {
      const float* p = s + block * s_block + row * kLanes;
      for (std::size_t lane = 0; lane < kLanes; lane += kWidth) top = max(load(p + lane), top);
    }
    const float limit = horizontal_max(top);
    Vec sum{};
    for (std::size_t block = 0; block < blocks; ++block) {
      float* p = s + block * s_block + row * kLanes;
      for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
        const Vec e = exp(load(p + lane) - limit);
        store(p + lane, e);
      }
      if (block + 1 == blocks) {
        for (std::size_t lane = valid; lane < kLanes; ++lane) p[lane] = 0.0f;
      }
      for (std::size_t lane = 0; lane < kLanes; lane += kWidth) sum += load(p + lane);
    }
    max_out[row] = limit;
    sum_out[row] = horizontal_sum(sum);
  }
}

}  // namespace unsam::UNSAM_ISA
