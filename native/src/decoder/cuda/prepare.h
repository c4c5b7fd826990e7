#pragma once

#include <cuda_runtime.h>

#include "decoder/cuda/call.h"

namespace unsam::cuda {

// ImageView with writable arrays, and the features it is made from (device memory, [channels][rows][columns]).
struct ImageBuffers {
  int side, tokens, padded;
  const float* embed;       // [kDim][N]
  const float* high_0;      // [kUp0][16 N]
  const float* high_1;      // [kUp1][4 N]
  float* grid;              // [padded][kDim] scratch: the position encoding
  void* products;
  float* norms;
  void* positions;
  void* high_res_1;
  void* high_res_0;
};

// buffers.positions, from the grid's position encoding.
void prepare_positions(bool bf16, const ConstantsView& constants, const ImageBuffers& buffers, cudaStream_t stream);
// Everything else of an image, without a mask prompt.
void prepare_image(bool bf16, const ConstantsView& constants, const ImageBuffers& buffers, cudaStream_t stream);
// own_products and own_norms of the prompts that have a mask. CPU version: decoder/cpu/mask_prompt.cpp.
void embed_masks(bool bf16, const Call* call, int prompts, int padded, cudaStream_t stream);

}  // namespace unsam::cuda
