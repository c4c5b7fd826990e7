#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace unsam::cuda {

// The block's dynamic shared memory (the launch says how much), aligned to 16 bytes.
template <typename T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(UNSAM_EMULATED_DEVICE)
  return static_cast<T*>(emulated::dynamic_shared());
#else
  extern __shared__ __align__(16) unsigned char unsam_dynamic_shared[];
  return reinterpret_cast<T*>(unsam_dynamic_shared);
#endif
}

}  // namespace unsam::cuda
