// Every CUDA call goes through `check`: nothing is ignored, nothing exits.
#pragma once

#include <cuda_runtime.h>

#include "unsam/error.h"

namespace unsam::cuda {

// Throws Error(out_of_memory) where the device had no memory left, else Error(device); the message names the call and
// gives CUDA's own text. Clears the thread's last error, so that the next call starts clean.
void check(cudaError_t status, const char* call);

// For destructors: the error can only be dropped, but must not be found by the next call.
void drop(cudaError_t status) noexcept;

}  // namespace unsam::cuda
