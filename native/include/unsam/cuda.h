// CUDA devices, seen without CUDA's own headers. A build without CUDA, a machine without a driver or without a device
// load the same library: device_count() is 0 there and why_unavailable() says why.
#pragma once

#include <cstddef>
#include <string>

#include "unsam/error.h"

namespace unsam::cuda {

struct DeviceInfo {
  int index;
  std::string name;
  int major, minor;          // compute capability
  std::size_t memory_bytes;
  int multiprocessors;
};

int device_count() noexcept;

// One sentence, or empty where at least one device can be used.
std::string why_unavailable();

// Throws Error(bad_option) for an index that does not exist, Error(unsupported) where there is no device at all.
DeviceInfo device_info(int device);

}  // namespace unsam::cuda
