#pragma once

#include "cuda/runtime/check.h"

namespace unsam::cuda {

// Makes a device the calling thread's current one, and the former one again at the end, but for a device that this process
// has no context on: to make that one current would create a context there, some hundred megabytes that nobody asked for.
// (A thread that never chose a device has device 0, whichever it works on.) Throws Error(device).
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  const int device_;
  int before_ = 0;
};

// For destructors: f with the device current. Where the device cannot be chosen any more, f is not called, since there is nothing
// to give back to.
template <typename F>
void on_device(int device, F&& f) noexcept {
  try {
    const DeviceScope scope(device);
    f();
  } catch (const Error&) {
  }
}

// Throws Error(bad_option) for an index that does not exist, Error(unsupported) where CUDA cannot be used at all or the
// device is older than the kernels (compute capability 8.0).
void require_device(int device);

}  // namespace unsam::cuda
