// The two orders in which a prompt can be decoded (docs/decisions/0009-native-decoder.md), and which costs less.
#pragma once

#include <cstddef>

#include "cpu/kernels.h"

namespace unsam {

// Whether a prompt of that many tokens, `final_tokens` of them read in the end, is decoded as a long one. By counted
// multiplications, in both precisions.
bool is_long(std::size_t tokens, std::size_t final_tokens, std::size_t image_tokens, const Bfloat16Kernels* bf16);

}  // namespace unsam
