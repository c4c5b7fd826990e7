// For tests that run on the real device (built with nvcc) and on the emulated one (UNSAM_EMULATED_DEVICE) alike.
#pragma once

#include <stdexcept>

#include "test.h"
#include "unsam/cuda.h"
#if defined(UNSAM_EMULATED_DEVICE)
#include "emulated_device.h"
#else
#include "gpu_present.h"
#endif

// Skips the test where there is no GPU; fails where there is one that cannot be used.
inline void need_device() {
  const std::string why = unsam::cuda::why_unavailable();
  if (why.empty()) return;
#if !defined(UNSAM_EMULATED_DEVICE)
  if (gpu_present()) throw std::runtime_error("this machine has a GPU, but it cannot be used: " + why);
#endif
  throw test::Skip{why};
}

// For sizes that take minutes on the emulated device: skips the test there, and is need_device elsewhere.
inline void need_gpu() {
#if defined(UNSAM_EMULATED_DEVICE)
  throw test::Skip{"this size is for a GPU"};
#else
  need_device();
#endif
}

#if defined(UNSAM_EMULATED_DEVICE)
// For the last test of a program.
inline void check_nothing_left() {
  CHECK(emulated::memory_in_use() == 0);
  CHECK(emulated::pinned_in_use() == 0);
  CHECK(emulated::objects_in_use() == 0);
}
#endif
