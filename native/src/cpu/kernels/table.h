// Declarations shared by the kernel files of one instruction set.
#pragma once

#include "cpu/kernels.h"
#include "cpu/kernels/simd.h"

namespace unsam::UNSAM_ISA {

void gemm(const GemmArgs& g);
void dot(const DotArgs& d);
void softmax_tokens(std::size_t heads, std::size_t t, const float* bias, float* s);
void softmax_chunk(std::size_t rows, std::size_t blocks, std::size_t valid, float* s, std::size_t s_block, float* max,
                   float* sum);
void attend(const Attend& a);
void scale_rows(std::size_t rows, const float* a, const float* shift, const float* scale, float* out);
void add_products(std::size_t rows, const float* a, const float* b, float* acc);
void inverse_std(float eps, float* n);
void image_norms(const float* block, const float* shift, const float* gain, const float* beta, float* scratch,
                 float* norms);
void upscale_norm(const UpscaleNorm<float>& u);
void gelu_dot(const GeluDot<float>& g);
void head_dots(std::size_t t, std::size_t cols, const float* q, const float* r, float* out, std::size_t ldo);
void gelu(std::size_t n, float* x);
void layer_norm(std::size_t rows, float* x, const float* gain, const float* bias, float eps);
void add(std::size_t n, float* x, const float* y);
void relu(std::size_t n, float* x);
void self_attention(std::size_t t, const float* q, const float* k, const float* v, float* scores, float* out);

#if defined(__AVX512BF16__)
void gemm_bf16(const GemmBf16Args& g);
void by_head_bf16(const ByHeadBf16Args& g);
void dot_bf16(const Dot<std::uint16_t>& d);
void to_rows(std::size_t n, const float* x, std::uint16_t* out);
void from_rows(std::size_t n, const std::uint16_t* x, float* out);
void split_rows(std::size_t n, const float* x, std::uint16_t* high, std::uint16_t* low);
void to_pairs(std::size_t rows, const float* block, std::uint16_t* out);
void from_pairs(std::size_t rows, const std::uint16_t* pairs, float* block);
void rows_from_pairs(std::size_t rows, const std::uint16_t* pairs, std::uint16_t* out);
void to_half(std::size_t n, const float* x, std::uint16_t* out);
void from_half(std::size_t n, const std::uint16_t* x, float* out);
void upscale_norm_half(const UpscaleNorm<std::uint16_t>& u);
void gelu_dot_half(const GeluDot<std::uint16_t>& g);
#endif

}  // namespace unsam::UNSAM_ISA
