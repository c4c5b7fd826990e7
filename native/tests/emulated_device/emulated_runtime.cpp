// CUDA's runtime API on the emulated device: streams, events, graphs, memory, and failures that a test plans.
#include <cstdlib>
#include <cstring>

#include "device_state.h"

namespace emulated {
namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int current_device = 0;

cudaError_t result(const char* call, cudaError_t status) {
  Device& d = device();
  if (const auto found = d.failures.find(call); found != d.failures.end() && found->second.second-- == 0) {
    status = found->second.first;
    d.failures.erase(found);
  }
  if (status != cudaSuccess) last_error = status;
  return status;
}

// True where a planned failure is due.
bool planned(const char* call, cudaError_t* status) {
  Device& d = device();
  const auto found = d.failures.find(call);
  if (found == d.failures.end()) return false;
  if (found->second.second-- > 0) return false;
  *status = last_error = found->second.first;
  d.failures.erase(found);
  return true;
}

cudaError_t enqueue(Stream* stream, Work work) {
  if (stream == nullptr) stream = &device().legacy;
  (stream->capture ? stream->capture->work : stream->pending).push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t flush(Stream* stream) {
  Device& d = device();
  if (stream == nullptr) stream = &d.legacy;
  if (stream->capture) return cudaErrorStreamCaptureUnsupported;
  const std::vector<Work> work = std::move(stream->pending);
  stream->pending.clear();
  for (const Work& w : work) w();
  const cudaError_t status = d.sticky;
  d.sticky = cudaSuccess;  // tests go on after a fault
  return status;
}

cudaError_t flush_all() {
  Device& d = device();
  cudaError_t status = flush(nullptr);
  for (Stream* s : d.streams) {
    if (!s->capture && status == cudaSuccess) status = flush(s);
  }
  return status;
}

bool within(const std::map<void*, std::size_t>& memory, const void* p, std::size_t bytes) {
  auto found = memory.upper_bound(const_cast<void*>(p));
  if (found == memory.begin()) return false;
  --found;
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(p) - static_cast<const char*>(found->first));
  return offset <= found->second && bytes <= found->second - offset;
}

}  // namespace

void set_seed(std::uint64_t seed) { device().random = seed * 2 + 1; }
void set_device_count(int count) { device().count = count; }
void set_multiprocessors(int count) { device().multiprocessors = count; }
void set_driver_error(cudaError_t error, int driver_version) {
  device().driver_error = error;
  device().driver_version = driver_version;
}
void set_memory_bytes(std::size_t bytes) { device().memory_bytes = bytes; }
void fail(const char* call, cudaError_t error, int skip) { device().failures[call] = {error, skip}; }
std::size_t memory_in_use() { return device().used; }
std::size_t pinned_in_use() { return device().pinned; }
std::size_t objects_in_use() { return device().objects; }
std::size_t kernels_launched() { return device().launched; }
std::size_t streams_made() { return device().streams_made; }
std::size_t bytes_to_host() { return device().to_host; }
void before_stream_destroy(std::function<void()> f) {
  const std::lock_guard lock(device().mutex);
  device().before_stream_destroy = std::move(f);
}
bool has_context(int index) { return device().contexts.contains(index); }
void forget_contexts() { device().contexts.clear(); }

cudaError_t launch(const char* name, const void* function, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   std::function<void()> body) {
  const std::lock_guard lock(device().mutex);
  cudaError_t status;
  if (planned("cudaLaunchKernel", &status)) return status;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMaxThreads || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || shared_bytes > 99 * 1024) {
    return result("cudaLaunchKernel", cudaErrorInvalidValue);
  }
  if (device().loaded.insert(function).second && stream != nullptr && stream->capture) {
    device().loaded.erase(function);
    return result("cudaLaunchKernel", cudaErrorStreamCaptureUnsupported);
  }
  return enqueue(stream, [=, body = std::move(body)] { run_kernel(name, grid, block, shared_bytes, body); });
}

}  // namespace emulated

using namespace emulated;

// What works with a device makes a context on the thread's current one.
#define LOCKED_ON_DEVICE(call) \
  LOCKED(call);                \
  device().contexts.insert(current_device)
#define LOCKED(call)                                \
  const std::lock_guard lock_(device().mutex);      \
  if (cudaError_t status_; planned(call, &status_)) return status_

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
  }
  return "unknown";
}

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "emulated error";
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().driver_version;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  LOCKED("cudaGetDeviceCount");
  *count = 0;
  if (device().driver_error != cudaSuccess) return last_error = device().driver_error;
  if (device().count == 0) return last_error = cudaErrorNoDevice;
  *count = device().count;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* index) {
  LOCKED("cudaGetDevice");
  *index = current_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
  LOCKED("cudaSetDevice");
  if (index < 0 || index >= device().count) return last_error = cudaErrorInvalidDevice;
  current_device = index;
  device().contexts.insert(index);  // since CUDA 12
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long) {
  using Of = int(int*, int);
  using StateOf = int(int, unsigned*, int*);
  Of* of = [](int* handle, int ordinal) {
    *handle = ordinal;
    return 0;
  };
  StateOf* state_of = [](int handle, unsigned* flags, int* active) {
    const std::lock_guard lock(device().mutex);
    *flags = 0;
    *active = device().contexts.contains(handle) ? 1 : 0;
    return 0;
  };
  *function = nullptr;
  if (std::strcmp(name, "cuDeviceGet") == 0) *function = reinterpret_cast<void*>(of);
  if (std::strcmp(name, "cuDevicePrimaryCtxGetState") == 0) *function = reinterpret_cast<void*>(state_of);
  return *function == nullptr ? last_error = cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  LOCKED("cudaDeviceGetAttribute");
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 3; break;
    case cudaDevAttrComputeCapabilityMajor: *value = 8; break;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  LOCKED("cudaGetDeviceProperties");
  if (index < 0 || index >= device().count) return last_error = cudaErrorInvalidDevice;
  *properties = {"Emulated device", std::size_t{1} << 30, 8, 0, device().multiprocessors};
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  LOCKED_ON_DEVICE("cudaDeviceSynchronize");
  return result("", flush_all());
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  LOCKED_ON_DEVICE("cudaMalloc");
  Device& d = device();
  if (d.memory_bytes > 0 && (bytes > d.memory_bytes || d.used > d.memory_bytes - bytes)) return last_error = cudaErrorMemoryAllocation;
  // malloc's own bookkeeping differs from CUDA's 256-byte alignment only in that it is less: 16 is what vectors need.
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return last_error = cudaErrorMemoryAllocation;
  std::memset(*memory, kPoison, bytes);
  d.memory[*memory] = bytes;
  d.used += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  LOCKED_ON_DEVICE("cudaFree");
  if (memory == nullptr) return cudaSuccess;
  Device& d = device();
  const cudaError_t status = flush_all();  // CUDA's waits for the device, too
  const auto found = d.memory.find(memory);
  if (found == d.memory.end()) return last_error = cudaErrorInvalidValue;
  d.used -= found->second;
  d.memory.erase(found);
  std::free(memory);
  return result("", status);
}

cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  LOCKED_ON_DEVICE("cudaHostAlloc");
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return last_error = cudaErrorMemoryAllocation;
  std::memset(*memory, kPoison, bytes);
  device().pinned_memory[*memory] = bytes;
  device().pinned += bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
  LOCKED_ON_DEVICE("cudaFreeHost");
  const auto found = device().pinned_memory.find(memory);
  if (found == device().pinned_memory.end()) return last_error = cudaErrorInvalidValue;
  device().pinned -= found->second;
  device().pinned_memory.erase(found);
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  LOCKED("cudaMemcpyAsync");
  const Device& d = device();
  // Wrong sides of the bus are an error, and so is memory that is not pinned: the project never means it.
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (!within(to_device ? d.memory : d.pinned_memory, to, bytes) || !within(from_device ? d.memory : d.pinned_memory, from, bytes)) {
    return last_error = cudaErrorInvalidValue;
  }
  return enqueue(stream, [=] {
    std::memcpy(to, from, bytes);
    if (kind == cudaMemcpyDeviceToHost) device().to_host += bytes;
  });
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  LOCKED("cudaMemsetAsync");
  if (!within(device().memory, memory, bytes)) return last_error = cudaErrorInvalidValue;
  return enqueue(stream, [=] { std::memset(memory, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  LOCKED_ON_DEVICE("cudaStreamCreateWithFlags");
  *stream = new Stream;
  device().streams.push_back(*stream);
  ++device().streams_made;
  ++device().objects;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::function<void()> before;
  {
    const std::lock_guard lock(device().mutex);
    before.swap(device().before_stream_destroy);
  }
  if (before) before();
  LOCKED("cudaStreamDestroy");
  const cudaError_t status = flush(stream);
  std::erase(device().streams, stream);
  delete stream;
  --device().objects;
  return result("", status);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  LOCKED("cudaStreamSynchronize");
  return result("", flush(stream));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  LOCKED("cudaStreamWaitEvent");
  Stream* source = event->stream;
  if (source == nullptr || source == stream) return cudaSuccess;
  if (stream->capture || source->capture) return last_error = cudaErrorStreamCaptureUnsupported;  // forks are not emulated
  return result("", flush(source));
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  LOCKED("cudaStreamBeginCapture");
  if (stream == nullptr || stream->capture) return last_error = cudaErrorInvalidValue;
  stream->capture = std::make_unique<Graph>();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  LOCKED("cudaStreamEndCapture");
  if (!stream->capture) return last_error = cudaErrorInvalidValue;
  *graph = stream->capture.release();
  ++device().objects;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  LOCKED("cudaGraphInstantiate");
  *executable = new Graph(*graph);
  ++device().objects;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  LOCKED("cudaGraphDestroy");
  delete graph;
  --device().objects;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  LOCKED("cudaGraphExecDestroy");
  delete executable;
  --device().objects;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  LOCKED("cudaGraphLaunch");
  for (const Work& w : executable->work) enqueue(stream, w);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  LOCKED_ON_DEVICE("cudaEventCreate");
  *event = new Event;
  ++device().objects;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  LOCKED("cudaEventDestroy");
  delete event;
  --device().objects;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  LOCKED("cudaEventRecord");
  event->stream = stream;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  LOCKED("cudaEventSynchronize");
  return event->stream == nullptr ? cudaSuccess : result("", flush(event->stream));
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  LOCKED("cudaEventElapsedTime");
  if (start->stream == nullptr || end->stream == nullptr) return last_error = cudaErrorInvalidResourceHandle;
  *milliseconds = 1.0f;  // the emulation says nothing about speed
  return cudaSuccess;
}
