// Popcount of the intersection of two bit strings.
#include "fusion/cpu/kernels/table.h"
#include "fusion/cpu/kernels/words.h"

namespace unsam::UNSAM_ISA {

#if defined(__AVX512VPOPCNTDQ__)

std::uint64_t common_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t words) {
  __m512i sum0 = _mm512_setzero_si512(), sum1 = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 32 <= words; i += 32) {
    const __m512i both0 = _mm512_and_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
    const __m512i both1 = _mm512_and_si512(_mm512_loadu_si512(a + i + 16), _mm512_loadu_si512(b + i + 16));
    sum0 = _mm512_add_epi64(sum0, _mm512_popcnt_epi64(both0));
    sum1 = _mm512_add_epi64(sum1, _mm512_popcnt_epi64(both1));
  }
  for (; i < words; i += 16) {
    const std::size_t left = words - i;
    const __mmask16 lanes = static_cast<__mmask16>(left >= 16 ? 0xffffu : (1u << left) - 1u);
    const __m512i both = _mm512_and_si512(_mm512_maskz_loadu_epi32(lanes, a + i), _mm512_maskz_loadu_epi32(lanes, b + i));
    sum0 = _mm512_add_epi64(sum0, _mm512_popcnt_epi64(both));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(_mm512_add_epi64(sum0, sum1)));
}

#elif defined(__AVX2__)

std::uint64_t common_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t words) {
  // Popcounts of the two halves of each byte by table, bytes summed in 64-bit lanes.
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                         0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i half = _mm256_set1_epi8(15);
  __m256i sum = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 8 <= words; i += 8) {
    const __m256i both = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
    const __m256i counts =
        _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(both, half)),
                        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(both, 4), half)));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
  }
  std::uint64_t lanes[4];
  std::memcpy(lanes, &sum, sizeof lanes);
  std::uint64_t count = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; i < words; ++i) count += popcount(a[i] & b[i]);
  return count;
}

#else

std::uint64_t common_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t words) {
  std::uint64_t count = 0;
  std::size_t i = 0;
  for (; i + 2 <= words; i += 2) {
    std::uint64_t x, y;
    std::memcpy(&x, a + i, sizeof x);
    std::memcpy(&y, b + i, sizeof y);
    count += static_cast<std::uint64_t>(__builtin_popcountll(x & y));
  }
  if (i < words) count += popcount(a[i] & b[i]);
  return count;
}

#endif

}  // namespace unsam::UNSAM_ISA
