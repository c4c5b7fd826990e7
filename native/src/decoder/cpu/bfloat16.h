#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace unsam {

// Round to nearest even; NaN stays NaN.
inline std::uint16_t to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline void to_bfloat16(std::size_t n, const float* x, std::uint16_t* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = to_bfloat16(x[i]);
}

}  // namespace unsam
