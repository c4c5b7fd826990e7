// Declarations shared by the kernel files of one instruction set.
#pragma once

#include "cpu/kernels.h"
#include "cpu/kernels/simd.h"

namespace unsam::UNSAM_ISA {

void gemm(const GemmArgs& g);
void gemm_bf16(const GemmBf16Args& g);
void pack_bf16(std::size_t rows, const float* block, std::uint16_t* out);
void dot(const DotArgs& d);
void softmax_tokens(std::size_t heads, std::size_t t, const float* bias, float* s);
void softmax_chunk(std::size_t rows, std::size_t blocks, std::size_t valid, float* s, std::size_t s_block, float* max,
                   float* sum);
void scale_rows(std::size_t rows, const float* a, const float* shift, const float* scale, float* out);
void add_products(std::size_t rows, const float* a, const float* b, float* acc);
void inverse_std(float eps, float* n);
void image_norms(const float* block, const float* shift, const float* gain, const float* beta, float* scratch,
                 float* norms);
void upscale_norm(float* acc, const float* scale, const float* shift, const float* skip, const float* gain,
                  const float* bias, float eps, bool coarse);
void gelu_dot(const float* x, const float* hyper, std::size_t masks, float* out, std::size_t ldo, bool coarse);
void head_dots(std::size_t t, std::size_t cols, const float* q, const float* r, float* out, std::size_t ldo);
void gelu(std::size_t n, float* x);
void layer_norm(std::size_t rows, float* x, const float* gain, const float* bias, float eps);
void add(std::size_t n, float* x, const float* y);
void relu(std::size_t n, float* x);
void self_attention(std::size_t t, const float* q, const float* k, const float* v, float* scores, float* out);

}  // namespace unsam::UNSAM_ISA
