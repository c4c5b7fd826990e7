// Online softmax over one block of keys.
#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA::encoder {
namespace {

// 2^x, relative error below 2e-7 for x in [-126, 126]; below that about 1e-38. NaN stays NaN.
inline Vec exp2(Vec x) {
  const Vec low = splat(-126.0f);
  x = x < low ? low : x;
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
  const Vec shifted = x + magic;
  const Vec r = x - (shifted - magic);
  // Taylor in r ln 2 on |r| <= 1/2 to the sixth power.
  Vec p = splat(1.5403530394e-4f);
  p = p * r + splat(1.3333558146e-3f);
  p = p * r + splat(9.6181291076e-3f);
  p = p * r + splat(5.5504108665e-2f);
  p = p * r + splat(2.4022650696e-1f);
  p = p * r + splat(6.9314718056e-1f);
  p = p * r + splat(1.0f);
  IVec bits, exponent;
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  __builtin_memcpy(&bits, &p, sizeof bits);
  bits += exponent << 23;
  __builtin_memcpy(&p, &bits, sizeof p);
  return p;
}

inline float exp2(float x) {
  const Vec all = exp2(splat(x));
  return all[0];
}

template <class T>
inline void block(const Softmax<T>& s) {
  const std::size_t whole = s.keys / kWidth * kWidth, end = (s.keys + kWidth - 1) / kWidth * kWidth;
  for (std::size_t row = 0; row < s.rows; ++row) {
    float* scores = s.scores + row * s.ld;
    scores[s.keys - 1] += s.last_bias;
    for (std::size_t i = s.keys; i < end; ++i) scores[i] = -__builtin_inff();
    Vec top0 = splat(-__builtin_inff()), top1 = top0;
    std::size_t i = 0;
    for (; i + 2 * kWidth <= end; i += 2 * kWidth) {
      top0 = max(load(scores + i), top0);
      top1 = max(load(scores + i + kWidth), top1);
    }
    if (i < end) top0 = max(load(scores + i), top0);
    float top = horizontal_max(max(top0, top1));
    if (!s.first) top = s.top[row] > top ? s.top[row] : top;
    T* weights = s.weights + row * s.ld_weights;
    Vec sum0{}, sum1{};
    for (i = 0; i + 2 * kWidth <= whole; i += 2 * kWidth) {
      const Vec e0 = exp2(load(scores + i) - top), e1 = exp2(load(scores + i + kWidth) - top);
      put(weights + i, e0);
      put(weights + i + kWidth, e1);
      sum0 += e0;
      sum1 += e1;
    }
    for (; i < end; i += kWidth) {
      const Vec score = load(scores + i), e = score == splat(-__builtin_inff()) ? Vec{} : exp2(score - top);
      put(weights + i, e);
      sum0 += e;
    }
    const float sum = horizontal_sum(sum0 + sum1);
    if (s.first) {
      s.sum[row] = sum;
    } else if (top != s.top[row]) {
      const float factor = exp2(s.top[row] - top);
      s.sum[row] = s.sum[row] * factor + sum;
      float* mixed = s.mixed + row * s.ld_mixed;
      for (std::size_t c = 0; c < s.width; c += kWidth) store(mixed + c, load(mixed + c) * factor);
    } else {
      s.sum[row] += sum;
    }
    s.top[row] = top;
  }
}

}  // namespace

void softmax(const Softmax<float>& s) { block(s); }
void softmax_half(const Softmax<std::uint16_t>& s) { block(s); }

}  // namespace unsam::UNSAM_ISA::encoder
