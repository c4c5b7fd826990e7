// Products of small per-prompt matrices with one block of image tokens, in the decoder's precision.
#pragma once

#include <algorithm>

#include "cpu/kernels.h"
#include "decoder/prompt_work.h"

namespace unsam {

// Rows [rows][L] of a block, and the same in bfloat16 pairs when that precision is on (else null).
struct BlockRows {
  const float* f32;
  const std::uint16_t* bf16;
};

struct BlockMath {
  const Kernels& kernels;
  bool bf16;

  // c[m][L] = scale * c0 + a[m][k] * b[k][L]; a starts at element `offset` of the operand.
  void multiply(std::size_t m, std::size_t k, const Operand& a, std::size_t offset, std::size_t lda, BlockRows b, float* c,
                const float* c0, const float* scale) const {
    if (bf16) {
      kernels.gemm_bf16({m, k, a.bf16.data() + offset, lda, b.bf16, c, kLanes, c0, kLanes, scale});
    } else {
      kernels.gemm({m, k, a.f32.data() + offset, lda, b.f32, c, kLanes, c0, kLanes, scale});
    }
  }

  // c[h t + i][L] = scale * c0 + q[i][h * 16 ...] * b[h * 16 ...][L] for each head h.
  void by_head(std::size_t t, const float* q, const float* b, float* c, const float* c0 = nullptr) const {
    for (std::size_t h = 0; h < kHeads; ++h) {
      const std::size_t row = h * t * kLanes;
      kernels.gemm({t, kHeadDim, q + h * kHeadDim, kInner, b + h * kHeadDim * kLanes, c + row, kLanes,
                    c0 == nullptr ? nullptr : c0 + row, kLanes, nullptr});
    }
  }

  // norm[L] += a . (scale * linear + G a) for the symmetric G given as upper triangle with doubled off-diagonal.
  // linear [n][L] is overwritten; a [n][L].
  void add_quadratic(std::size_t n, const Operand& g, BlockRows a, float* linear, const float* scale,
                     float* norm) const {
    // Rows sharing one start column: few wasted products, full register tiles.
    const std::size_t step = bf16 ? kernels.bf16_rows : 12;
    for (std::size_t row = 0; row < n; row += step) {
      float* out = linear + row * kLanes;
      multiply(std::min(step, n - row), n - row, g, row * n + row, n,
               {a.f32 + row * kLanes, bf16 ? a.bf16 + row * kLanes : nullptr}, out, out, scale);
    }
    kernels.add_products(n, a.f32, linear, norm);
  }
};

}  // namespace unsam
