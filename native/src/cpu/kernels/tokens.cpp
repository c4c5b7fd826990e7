// Prompt-token operations: rows of kDim floats, one token per row.
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

void layer_norm(std::size_t rows, float* x, const float* gain, const float* bias, float eps) {
  for (std::size_t row = 0; row < rows; ++row, x += kDim) {
    Vec sum{};
    for (std::size_t c = 0; c < kDim; c += kWidth) sum += load(x + c);
    const float mean = horizontal_sum(sum) * (1.0f / kDim);
    Vec square{};
    for (std::size_t c = 0; c < kDim; c += kWidth) {
      const Vec d = load(x + c) - mean;
      square += d * d;
    }
    const float inverse = 1.0f / __builtin_sqrtf(horizontal_sum(square) * (1.0f / kDim) + eps);
    for (std::size_t c = 0; c < kDim; c += kWidth) {
      store(x + c, (load(x + c) - mean) * inverse * load(gain + c) + load(bias + c));
    }
  }
}

void add(std::size_t n, float* x, const float* y) {
  for (std::size_t i = 0; i < n; ++i) x[i] += y[i];
}

void relu(std::size_t n, float* x) {
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void head_dots(std::size_t t, std::size_t cols, const float* q, const float* r, float* out, std::size_t ldo) {
  for (std::size_t head = 0; head < kHeads; ++head) {
    const float* panel = r + (head / 4) * cols * 64 + (head % 4) * kHeadDim;
    for (std::size_t col = 0; col < cols; ++col) {
      Vec rv[kHeadDim / kWidth];
      for (std::size_t i = 0; i < kHeadDim / kWidth; ++i) rv[i] = load(panel + col * 64 + i * kWidth);
      for (std::size_t row = 0; row < t; ++row) {
        const float* qp = q + row * kInner + head * kHeadDim;
        Vec sum{};
        for (std::size_t i = 0; i < kHeadDim / kWidth; ++i) sum += load(qp + i * kWidth) * rv[i];
        out[(head * t + row) * ldo + col] = horizontal_sum(sum);
      }
    }
  }
}

void self_attention(std::size_t t, const float* q, const float* k, const float* v, float* scores, float* out) {
  constexpr std::size_t d = kSelfHeadDim;
  constexpr float scale = 0.17677669529663687f;  // 1 / sqrt(32)
  for (std::size_t head = 0; head < kHeads; ++head) {
    for (std::size_t i = 0; i < t; ++i) {
      const float* qi = q + i * kDim + head * d;
      float top = -__builtin_inff();
      for (std::size_t j = 0; j < t; ++j) {
        const float* kj = k + j * kDim + head * d;
        Vec sum{};
        for (std::size_t c = 0; c < d; c += kWidth) sum += load(qi + c) * load(kj + c);
        scores[j] = horizontal_sum(sum) * scale;
        top = scores[j] > top ? scores[j] : top;
      }
      float total = 0.0f;
      for (std::size_t j = 0; j < t; ++j) {
        scores[j] = __builtin_expf(scores[j] - top);
        total += scores[j];
      }
      const float inverse = 1.0f / total;
      float* o = out + i * kDim + head * d;
      for (std::size_t c = 0; c < d; c += kWidth) {
        Vec sum{};
        for (std::size_t j = 0; j < t; ++j) sum += load(v + j * kDim + head * d + c) * scores[j];
        store(o + c, sum * inverse);
      }
    }
  }
}

}  // namespace unsam::UNSAM_ISA
