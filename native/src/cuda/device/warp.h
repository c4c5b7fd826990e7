// Reductions over the lanes of a full warp; every lane gets the result.
#pragma once

#include <cuda_runtime.h>

namespace unsam::cuda {

inline constexpr unsigned kFullWarp = 0xffffffffu;

template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kFullWarp, value, lanes);
  return value;
}

// NaN is passed over unless all values are NaN, like fmaxf.
__device__ __forceinline__ float warp_max(float value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value = fmaxf(value, __shfl_xor_sync(kFullWarp, value, lanes));
  return value;
}

}  // namespace unsam::cuda
