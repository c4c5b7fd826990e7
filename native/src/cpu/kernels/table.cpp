#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

#define UNSAM_STRING_(x) #x
#define UNSAM_STRING(x) UNSAM_STRING_(x)

#if defined(__AVX512BF16__)
namespace {

constexpr Bfloat16Kernels bf16 = {
#if defined(__AMX_BF16__)
    .rows = 16,
    .cost = 1.0 / 7.0,
#else
    .rows = 12,
    .cost = 1.0,
#endif
    .gemm = gemm_bf16,
    .by_head = by_head_bf16,
    .dot = dot_bf16,
    .to_rows = to_rows,
    .from_rows = from_rows,
    .split_rows = split_rows,
    .to_pairs = to_pairs,
    .from_pairs = from_pairs,
    .rows_from_pairs = rows_from_pairs,
    .to_half = to_half,
    .from_half = from_half,
    .upscale_norm = upscale_norm_half,
    .gelu_dot = gelu_dot_half,
};

}  // namespace
#endif

extern const Kernels table;
const Kernels table = {
    .name = UNSAM_STRING(UNSAM_ISA),
#if defined(__AVX512BF16__)
    .bf16 = &bf16,
#else
    .bf16 = nullptr,
#endif
    .gemm = gemm,
    .dot = dot,
    .softmax_tokens = softmax_tokens,
    .softmax_chunk = softmax_chunk,
    .attend = attend,
    .scale_rows = scale_rows,
    .add_products = add_products,
    .inverse_std = inverse_std,
    .image_norms = image_norms,
    .head_dots = head_dots,
    .gelu = gelu,
    .upscale_norm = upscale_norm,
    .gelu_dot = gelu_dot,
    .layer_norm = layer_norm,
    .add = add,
    .relu = relu,
    .self_attention = self_attention,
};

}  // namespace unsam::UNSAM_ISA
