#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace unsam::cuda {

struct Call;

// Token->image attention of layer 0; image->token attention of layer 0 and token->image of layer 1; image->token of layer
// 1 and the last token->image attention.
enum class Pass { attend0, attend1, attend_final };

struct PassShape {
  int prompts, chunks;
  int columns;        // of the longest prompt
  int final_columns;
};

// Floats of global memory per block that a pass needs because shared memory does not hold its working set; mostly 0.
std::size_t pass_scratch_floats(Pass pass, int columns, int final_columns);

// Leaves in each prompt's partials the sums of its chunks, and its attention and inverse norms. `call` is device memory.
void image_pass(Pass pass, bool bf16, const Call* call, const PassShape& shape, float* scratch, cudaStream_t stream);

// Upscaling and the masks' dot products into call->logits.
void upscale(bool bf16, const Call* call, const PassShape& shape, cudaStream_t stream);

}  // namespace unsam::cuda
