#pragma once

#include "cuda/runtime/check.h"

namespace unsam::cuda {

// Makes a device the calling thread's current one, and the former one again at the end.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = 0;
};

// Throws Error(bad_option) for an index that does not exist, Error(unsupported) where CUDA cannot be used at all or the
// device is older than the kernels (compute capability 8.0).
void require_device(int device);

}  // namespace unsam::cuda
