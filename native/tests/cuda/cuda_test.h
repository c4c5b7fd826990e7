// For tests that run on the real device (built with nvcc) and on the emulated one (UNSAM_EMULATED_DEVICE) alike.
#pragma once

#include "test.h"
#include "unsam/cuda.h"
#if defined(UNSAM_EMULATED_DEVICE)
#include "emulated_device.h"
#endif

// Skips the test where there is no usable device.
inline void need_device() {
  const std::string why = unsam::cuda::why_unavailable();
  if (!why.empty()) throw test::Skip{why};
}
