#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

#define UNSAM_STRING_(x) #x
#define UNSAM_STRING(x) UNSAM_STRING_(x)

extern const Kernels table;
const Kernels table = {
    .name = UNSAM_STRING(UNSAM_ISA),
    .gemm = gemm,
#if defined(__AMX_BF16__)
    .bf16_rows = 16,
#else
    .bf16_rows = 12,
#endif
#if defined(__AVX512BF16__)
    .gemm_bf16 = gemm_bf16,
    .pack_bf16 = pack_bf16,
#else
    .gemm_bf16 = nullptr,
    .pack_bf16 = nullptr,
#endif
    .dot = dot,
    .softmax_tokens = softmax_tokens,
    .softmax_chunk = softmax_chunk,
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
