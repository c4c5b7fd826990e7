// Rows over the image tokens, [blocks][rows][L], as the decoder's precision stores them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/kernels.h"
#include "decoder/cpu/buffer.h"
#include "decoder/folded.h"

namespace unsam {

struct ImageRows {
  Buffer<float> f32;
  Buffer<std::uint16_t> half;  // only filled for Precision::bfloat16; which of its formats (kernels.h) depends on the row
};

// The products of an image (folded.h). A bfloat16 decoder keeps two sets in float32, [blocks][kExactRows][L]: what
// layer 0's attentions compare with. Rounding these costs as much accuracy as all else together. The others:
// [blocks][kRoundedRows][L].
inline constexpr std::size_t kExactRows = 2 * kInner, kRoundedRows = kProductRows - kExactRows;
constexpr bool is_exact(std::size_t row) { return row == kKey0 || row == kQuery0; }
// Where a set begins among those of its kind.
constexpr std::size_t exact_row(std::size_t set) { return set == kKey0 ? 0 : kInner; }
constexpr std::size_t rounded_row(std::size_t set) {
  return set - (set > kKey0 ? kInner : 0) - (set > kQuery0 ? kInner : 0);
}

// Rows [first, first + rows) of the rounded products of a block: values as bfloat16 rows, those of the upscaling as
// float16 rows, all others as bfloat16 pairs.
void round_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const float* block,
                    std::uint16_t* out);
void widen_products(const Bfloat16Kernels& kernels, std::size_t first, std::size_t rows, const std::uint16_t* block,
                    float* out);

}  // namespace unsam
