// The one way kernels are launched, the same for a real device and for the emulated one of the tests (which has no
// <<<>>>). Only .cu files include this.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda/runtime/check.h"

namespace unsam::cuda {

// Shared memory a block may have on every supported device (sm_86 and sm_89 have the least).
inline constexpr std::size_t kMaxSharedBytes = 99 * 1024;

// Arguments are converted to the kernel's parameter types. Throws Error(device), naming the kernel.
template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "one argument for each parameter of the kernel");
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "kernel parameters are copied bytewise");
  std::tuple<Parameters...> values(static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  const void* function = reinterpret_cast<const void*>(kernel);
#if defined(UNSAM_EMULATED_DEVICE)
  check(emulated::launch(name, function, grid, block, shared_bytes, stream, [kernel, values] { std::apply(kernel, values); }), name);
#else
  if (shared_bytes > 48 * 1024) {
    check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)), name);
  }
  std::apply(
      [&](auto&... value) {
        void* pointers[] = {static_cast<void*>(&value)..., nullptr};
        check(cudaLaunchKernel(function, grid, block, pointers, shared_bytes, stream), name);
      },
      values);
#endif
}

}  // namespace unsam::cuda
