// Bilinear interpolation in float64, rounded to float32 after the horizontal step only, as in core/src/mask/finish.ts.
#include "fusion/cpu/kernels/table.h"
#include "fusion/cpu/kernels/words.h"

namespace unsam::UNSAM_ISA {
namespace {

struct Words {
  std::uint32_t low, mid, high;
};

#if defined(__AVX512F__)

inline Words blend_word(const float* upper, const float* lower, double rest, double fraction, double low, double mid,
                        double high) {
  const __m512d r = _mm512_set1_pd(rest), f = _mm512_set1_pd(fraction);
  Words words{0, 0, 0};
  for (int part = 0; part < 4; ++part) {
    const __m512d u = _mm512_cvtps_pd(_mm256_loadu_ps(upper + 8 * part));
    const __m512d l = _mm512_cvtps_pd(_mm256_loadu_ps(lower + 8 * part));
    const __m512d v = _mm512_add_pd(_mm512_mul_pd(u, r), _mm512_mul_pd(l, f));
    words.low |= static_cast<std::uint32_t>(_mm512_cmp_pd_mask(v, _mm512_set1_pd(low), _CMP_GT_OQ)) << (8 * part);
    words.mid |= static_cast<std::uint32_t>(_mm512_cmp_pd_mask(v, _mm512_set1_pd(mid), _CMP_GT_OQ)) << (8 * part);
    words.high |= static_cast<std::uint32_t>(_mm512_cmp_pd_mask(v, _mm512_set1_pd(high), _CMP_GT_OQ)) << (8 * part);
  }
  return words;
}

#elif defined(__AVX2__)

inline std::uint32_t above(__m256d v, double t) {
  return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd(v, _mm256_set1_pd(t), _CMP_GT_OQ)));
}

inline Words blend_word(const float* upper, const float* lower, double rest, double fraction, double low, double mid,
                        double high) {
  const __m256d r = _mm256_set1_pd(rest), f = _mm256_set1_pd(fraction);
  Words words{0, 0, 0};
  for (int part = 0; part < 8; ++part) {
    const __m256d u = _mm256_cvtps_pd(_mm_loadu_ps(upper + 4 * part));
    const __m256d l = _mm256_cvtps_pd(_mm_loadu_ps(lower + 4 * part));
    const __m256d v = _mm256_add_pd(_mm256_mul_pd(u, r), _mm256_mul_pd(l, f));
    words.low |= above(v, low) << (4 * part);
    words.mid |= above(v, mid) << (4 * part);
    words.high |= above(v, high) << (4 * part);
  }
  return words;
}

#else

inline Words blend_word(const float* upper, const float* lower, double rest, double fraction, double low, double mid,
                        double high) {
  Words words{0, 0, 0};
  for (unsigned i = 0; i < 32; ++i) {
    const double v = static_cast<double>(upper[i]) * rest + static_cast<double>(lower[i]) * fraction;
    words.low |= static_cast<std::uint32_t>(v > low) << i;
    words.mid |= static_cast<std::uint32_t>(v > mid) << i;
    words.high |= static_cast<std::uint32_t>(v > high) << i;
  }
  return words;
}

#endif

}  // namespace

void stretch_row(const float* row, const std::int32_t* before, const std::int32_t* after, const float* fraction,
                 std::size_t n, float* out) {
  for (std::size_t x = 0; x < n; ++x) {
    const double f = fraction[x];
    const double left = row[before[x]], right = row[after[x]];
    out[x] = static_cast<float>(left * (1.0 - f) + right * f);
  }
}

void blend_rows(const float* upper, const float* lower, float fraction, const std::uint32_t* wanted, std::size_t words,
                double low, double threshold, double high, std::uint32_t* bits, StabilityCounts* counts) {
  const double f = fraction, rest = 1.0 - f;
  for (std::size_t w = 0; w < words; ++w) {
    if (wanted[w] == 0) continue;
    const Words found = blend_word(upper + 32 * w, lower + 32 * w, rest, f, low, threshold, high);
    bits[w] |= found.mid & wanted[w];
    counts->low += popcount(found.low & wanted[w]);
    counts->high += popcount(found.high & wanted[w]);
  }
}

}  // namespace unsam::UNSAM_ISA
