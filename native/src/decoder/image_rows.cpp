#include "decoder/image_rows.h"

namespace unsam {
namespace {

enum class Format { pairs, rows, half };

Format format_of(std::size_t row) {
  if (row >= kUpscale) return Format::half;
  const std::size_t set = row / kInner * kInner;
  return set == kValue0 || set == kValue1 || set == kValueFinal ? Format::rows : Format::pairs;
}

}  // namespace

void round_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const float* block,
                    std::uint16_t* out) {
  for (std::size_t row = 0; row < rows; row += kInner, block += kInner * kLanes, out += kInner * kLanes) {
    const Format format = format_of(first + row);
    if (format == Format::pairs) {
      kernels.to_pairs(kInner, block, out);
    } else if (format == Format::rows) {
      kernels.to_rows(kInner * kLanes, block, out);
    } else {
      kernels.to_half(kInner * kLanes, block, out);
    }
  }
}

void widen_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const std::uint16_t* block,
                    float* out) {
  for (std::size_t row = 0; row < rows; row += kInner, block += kInner * kLanes, out += kInner * kLanes) {
    const Format format = format_of(first + row);
    if (format == Format::pairs) {
      kernels.from_pairs(kInner, block, out);
    } else if (format == Format::rows) {
      kernels.from_rows(kInner * kLanes, block, out);
    } else {
      kernels.from_half(kInner * kLanes, block, out);
    }
  }
}

}  // namespace unsam
