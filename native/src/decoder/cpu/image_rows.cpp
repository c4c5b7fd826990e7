#include "decoder/cpu/image_rows.h"

namespace unsam {
namespace {

enum class Format { pairs, rows, half };

Format format_of(std::size_t row) {
  if (row >= kUpscale) return Format::half;
  const std::size_t set = row / kInner * kInner;
  return set == kValue0 || set == kValue1 || set == kValueFinal ? Format::rows : Format::pairs;
}

// Each set of rows by the function of its format.
template <class From, class To>
void convert(std::size_t first, std::size_t rows, const From* from, To* to, void (*pairs)(std::size_t, const From*, To*),
             void (*plain)(std::size_t, const From*, To*), void (*half)(std::size_t, const From*, To*)) {
  constexpr std::size_t n = kInner * kLanes;
  for (std::size_t row = 0; row < rows; row += kInner, from += n, to += n) {
    const Format format = format_of(first + row);
    if (format == Format::pairs) {
      pairs(kInner, from, to);
    } else if (format == Format::rows) {
      plain(n, from, to);
    } else {
      half(n, from, to);
    }
  }
}

}  // namespace

void round_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const float* block,
                    std::uint16_t* out) {
  convert(first, rows, block, out, kernels.to_pairs, kernels.to_rows, kernels.to_half);
}

void widen_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const std::uint16_t* block,
                    float* out) {
  convert(first, rows, block, out, kernels.from_pairs, kernels.from_rows, kernels.from_half);
}

}  // namespace unsam
