#pragma once

#include <cuda_runtime.h>

namespace unsam::cuda {

struct Call;

// Of the two masks that a single one of plain SAM 2 is chosen from (decoder/select.h), call->logits [prompts][2][n]: the first
// where it is stable, else the second. Writes it to logits [prompts][n], and call->chosen[prompt] = 0 or 1.
void choose_masks(const Call* call, int prompts, int n, float* logits, cudaStream_t stream);

}  // namespace unsam::cuda
