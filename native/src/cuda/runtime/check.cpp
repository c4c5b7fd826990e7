#include "cuda/runtime/check.h"

#include <string>

namespace unsam::cuda {

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();
  const std::string what = std::string(call) + " failed: " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ").";
  if (status == cudaErrorMemoryAllocation) {
    throw Error(ErrorCode::out_of_memory, what + " Give the call fewer prompts, or free memory on the device.");
  }
  throw Error(ErrorCode::device, what);
}

void drop(cudaError_t status) noexcept {
  if (status != cudaSuccess) (void)cudaGetLastError();
}

}  // namespace unsam::cuda
