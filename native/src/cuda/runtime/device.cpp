#include "cuda/runtime/device.h"

#include <string>

#include "unsam/cuda.h"

namespace unsam::cuda {
namespace {

constexpr int kLeastMajor = 8;  // the kernels use bfloat16 tensor cores and asynchronous copies

struct Census {
  int count = 0;
  std::string why;  // empty where count > 0
};

// Asked anew each time: devices may come, go or be reset while the process lives.
Census census() {
  Census found;
  const cudaError_t status = cudaGetDeviceCount(&found.count);
  if (status == cudaSuccess && found.count > 0) return found;
  found.count = 0;
  drop(status);
  int driver = 0;
  drop(cudaDriverGetVersion(&driver));
  if (driver == 0) {
    found.why = "No NVIDIA driver was found on this machine.";
  } else if (status == cudaErrorInsufficientDriver) {
    found.why = "The NVIDIA driver supports CUDA " + std::to_string(driver / 1000) + "." +
                std::to_string(driver % 1000 / 10) + ", which is too old for this build; update the driver.";
  } else if (status == cudaErrorNoDevice || status == cudaSuccess) {
    found.why = "The NVIDIA driver reports no CUDA device (is CUDA_VISIBLE_DEVICES set?).";
  } else {
    found.why = std::string("CUDA cannot be used: ") + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ").";
  }
  return found;
}

int attribute(int device, cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

// A function of the driver, which is not linked with: null where the driver has none of this name.
template <typename F>
F* driver_function(const char* name) noexcept {
  void* found = nullptr;
#if CUDART_VERSION >= 12050
  drop(cudaGetDriverEntryPointByVersion(name, &found, 11000, cudaEnableDefault));
#else
  drop(cudaGetDriverEntryPoint(name, &found, cudaEnableDefault));
#endif
  return reinterpret_cast<F*>(found);
}

// Whether the process has a (primary) context on the device; the driver's own result codes, 0 for success. True where the driver
// does not say.
bool has_context(int ordinal) noexcept {
  static const auto device_of = driver_function<int(int*, int)>("cuDeviceGet");
  static const auto state_of = driver_function<int(int, unsigned*, int*)>("cuDevicePrimaryCtxGetState");
  if (device_of == nullptr || state_of == nullptr) return true;
  int device = 0, active = 0;
  unsigned flags = 0;
  return device_of(&device, ordinal) != 0 || state_of(device, &flags, &active) != 0 || active != 0;
}

}  // namespace

DeviceScope::DeviceScope(int device) : device_(device) {
  check(cudaGetDevice(&before_), "cudaGetDevice");
  check(cudaSetDevice(device), "cudaSetDevice");
}

DeviceScope::~DeviceScope() {
  if (before_ != device_ && has_context(before_)) drop(cudaSetDevice(before_));
}

int device_count() noexcept {
  try {
    return census().count;
  } catch (...) {  // no memory for the reason
    return 0;
  }
}

std::string why_unavailable() {
  const Census found = census();
  if (found.count == 0) return found.why;
  for (int device = 0; device < found.count; ++device) {
    if (attribute(device, cudaDevAttrComputeCapabilityMajor) >= kLeastMajor) return {};
  }
  return "No CUDA device has compute capability 8.0 or more.";
}

DeviceInfo device_info(int device) {
  const Census found = census();
  if (found.count == 0) throw Error(ErrorCode::unsupported, found.why);
  if (device < 0 || device >= found.count) {
    throw Error(ErrorCode::bad_option, "CUDA device " + std::to_string(device) + " does not exist; this machine has " +
                                           std::to_string(found.count) + ", counted from 0.");
  }
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return {device, properties.name, properties.major, properties.minor, properties.totalGlobalMem,
          properties.multiProcessorCount};
}

void require_device(int device) {
  const DeviceInfo info = device_info(device);
  if (info.major >= kLeastMajor) return;
  throw Error(ErrorCode::unsupported, "CUDA device " + std::to_string(device) + " (" + info.name +
                                          ") has compute capability " + std::to_string(info.major) + "." +
                                          std::to_string(info.minor) + "; 8.0 or more is needed.");
}

}  // namespace unsam::cuda
