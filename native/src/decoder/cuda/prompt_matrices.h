#pragma once

#include <cuda_runtime.h>

#include "decoder/cuda/call.h"

namespace unsam::cuda {

// The small per-prompt matrices the passes over the image multiply with (decoder/folded.h), before attend1 and before
// attend_final; and the operands of that pass, split: query, key, and value1 or value2.
void layer0_matrices(bool bf16, const Call* call, int prompts, int max_tokens, cudaStream_t stream);
void layer1_matrices(bool bf16, const Call* call, int prompts, int max_tokens, cudaStream_t stream);

// Merge the chunks' softmaxes into call->attention, before the output projection. columns: most of any prompt.
void merge0(const Call* call, int prompts, int columns, int chunks, cudaStream_t stream);
void merge1(const Call* call, int prompts, int columns, int chunks, cudaStream_t stream);
void merge_final(const Call* call, int prompts, int columns, int chunks, int final_count, cudaStream_t stream);

}  // namespace unsam::cuda
