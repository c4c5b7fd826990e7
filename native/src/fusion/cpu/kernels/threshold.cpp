// Rows of logits to bits.
#include "fusion/cpu/kernels/table.h"
#include "fusion/cpu/kernels/words.h"

namespace unsam::UNSAM_ISA {
namespace {

// The last, partly filled word: its missing values are NaN, which no comparison holds for.
struct Tail {
  float x[32];
  Tail(const float* from, std::size_t n) {
    for (std::size_t i = 0; i < 32; ++i) x[i] = i < n ? from[i] : __builtin_nanf("");
  }
};

inline void threshold_word(const float* x, float low, float threshold, float high, std::uint32_t* bits,
                           StabilityCounts* counts) {
  *bits = above_word(x, threshold);
  counts->low += popcount(above_word(x, low));
  counts->high += popcount(above_word(x, high));
}

}  // namespace

void threshold_row(const float* x, std::size_t n, float low, float threshold, float high, std::uint32_t* bits,
                   StabilityCounts* counts) {
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) threshold_word(x + i, low, threshold, high, bits++, counts);
  if (i < n) threshold_word(Tail(x + i, n - i).x, low, threshold, high, bits, counts);
}

void classify_row(const float* x, std::size_t n, float low, float high, std::uint32_t* above, std::uint32_t* below) {
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    *above++ = above_word(x + i, high);
    *below++ = below_word(x + i, low);
  }
  if (i < n) {
    const Tail tail(x + i, n - i);
    *above = above_word(tail.x, high);
    *below = below_word(tail.x, low);
  }
}

}  // namespace unsam::UNSAM_ISA
