#include "emulated_device.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fiber.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

// Where the linker put the static shared memory, if there is any.
extern "C" {
extern char __start_emulated_shared[] __attribute__((weak));
extern char __stop_emulated_shared[] __attribute__((weak));
}

namespace emulated {

using Work = std::function<void()>;

struct Stream {
  std::vector<Work> pending;  // runs when somebody waits, so that a missing wait shows
  std::unique_ptr<Graph> capture;
};
struct Event {
  Stream* stream = nullptr;
  double milliseconds = 0;
};
struct Graph {
  std::vector<Work> work;
};

namespace {

constexpr int kPoison = 0xff;  // NaN as float and as bfloat16, -1 as integer
constexpr unsigned kMaxThreads = 1024;

enum class Wait { none, barrier, collective, done };

struct Pending {
  const char* kind;
  unsigned arrived = 0;
  Collective data;
};

struct Warp {
  unsigned lanes = 0;                 // that exist
  std::vector<std::unique_ptr<Pending>> pending, spare;  // one for each mask in flight
};

struct Thread {
  Fiber fiber;
  uint3 index;
  Wait wait;
  const char* where;
  std::uint32_t out[kCollectiveWords];
};

struct Device {
  std::recursive_mutex mutex;
  std::uint64_t random = 1;
  int count = 1, multiprocessors = 3;
  cudaError_t driver_error = cudaSuccess;
  int driver_version = 13000;
  std::size_t memory_bytes = 0, used = 0, pinned = 0, objects = 0, launched = 0;
  std::map<void*, std::size_t> memory, pinned_memory;
  std::map<std::string, std::pair<cudaError_t, int>> failures;
  std::vector<Stream*> streams;
  Stream legacy;
  cudaError_t sticky = cudaSuccess;  // a fault in a kernel; like CUDA's, it is met by the next waiting call

  // A number below n (xorshift64*, Vigna 2016): as good as a shuffle needs, and cheap enough for every step.
  std::size_t below(std::size_t n) {
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return static_cast<std::size_t>(((random * 0x2545f4914f6cdd1dull >> 32) * n) >> 32);
  }

  // The running block.
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Warp> warps;
  unsigned active = 0, at_barrier = 0, done = 0, current = 0;
  int barrier_sum = 0, barrier_result = 0;
  void* shared = nullptr;
  const char* kernel = "";
  const Work* body = nullptr;
  std::string fault;
};

Device& device() {
  static Device d;
  return d;
}

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

void yield_to_scheduler(Wait wait, const char* where) {
  Device& d = device();
  Thread& self = *d.threads[d.current];
  self.wait = wait;
  self.where = where;
  leave(self.fiber);
}

void thread_main() {
  Device& d = device();
  (*d.body)();
  d.threads[d.current]->wait = Wait::done;
  ++d.done;
}

void release(Wait kind) {
  Device& d = device();
  for (unsigned i = 0; i < d.active; ++i) {
    if (d.threads[i]->wait == kind) d.threads[i]->wait = Wait::none;
  }
}

void describe_deadlock() {
  Device& d = device();
  std::map<std::string, int> waits;
  for (unsigned i = 0; i < d.active; ++i) {
    const Thread& t = *d.threads[i];
    ++waits[t.wait == Wait::done ? "have ended" : std::string("wait at ") + t.where];
  }
  d.fault = "threads of a block will wait for ever:";
  for (const auto& [where, n] : waits) d.fault.append(" ").append(std::to_string(n)).append(" ").append(where).append(";");
}

void run_block(std::size_t shared_bytes) {
  Device& d = device();
  if (__start_emulated_shared != nullptr) {
    std::memset(__start_emulated_shared, kPoison, static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
  }
  std::memset(d.shared, kPoison, shared_bytes);
  d.active = blockDim.x * blockDim.y * blockDim.z;
  d.at_barrier = d.done = 0;
  d.barrier_sum = 0;
  d.warps.clear();
  d.warps.resize((d.active + 31) / 32);
  while (d.threads.size() < d.active) d.threads.push_back(std::make_unique<Thread>());
  for (unsigned i = 0; i < d.active; ++i) {
    Thread& t = *d.threads[i];
    t.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
    t.wait = Wait::none;
    t.where = "";
    prepare(t.fiber, thread_main);
    d.warps[i / 32].lanes |= 1u << (i % 32);
  }
  std::vector<unsigned> ready;
  // Warps that stand still for some rounds, so that others run ahead of them up to the next barrier: without this, warps
  // that do the same number of collectives would go in step and hide a missing barrier between them.
  std::size_t still = 0;
  const std::size_t patience = std::size_t{16} << 3 * d.below(3);  // rounds
  while (d.done < d.active) {
    if (d.below(patience) == 0) still = d.below(0xffffffffu);
    ready.clear();
    for (unsigned i = 0; i < d.active; ++i) {
      if (d.threads[i]->wait == Wait::none && (still >> (i / 32) & 1u) == 0) ready.push_back(i);
    }
    if (ready.empty() && still != 0) {
      still = 0;
      continue;
    }
    if (ready.empty()) {
      describe_deadlock();
      return;
    }
    for (std::size_t i = ready.size(); i > 1; --i) std::swap(ready[i - 1], ready[d.below(i)]);
    for (const unsigned i : ready) {
      d.current = i;
      threadIdx = d.threads[i]->index;
      enter(d.threads[i]->fiber);
      if (!d.fault.empty()) return;
    }
  }
}

void run_kernel(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes, const Work& body) {
  Device& d = device();
  if (d.sticky != cudaSuccess) return;
  ++d.launched;
  gridDim = grid;
  blockDim = block;
  d.kernel = name;
  d.body = &body;
  // Exactly as large as asked for, so that AddressSanitizer sees what lies beyond.
  const std::unique_ptr<void, void (*)(void*)> shared(std::aligned_alloc(16, (shared_bytes + 31) / 16 * 16), std::free);
  d.shared = shared.get();
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        run_block(shared_bytes);
        if (!d.fault.empty()) {
          std::fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u), thread (%u, %u, %u): %s\n", name, x, y, z,
                       threadIdx.x, threadIdx.y, threadIdx.z, d.fault.c_str());
          d.fault.clear();
          d.sticky = cudaErrorLaunchFailure;
          return;
        }
      }
    }
  }
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

cudaError_t launch(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   std::function<void()> body) {
  const std::lock_guard lock(device().mutex);
  cudaError_t status;
  if (planned("cudaLaunchKernel", &status)) return status;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMaxThreads || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || shared_bytes > 99 * 1024) {
    return result("cudaLaunchKernel", cudaErrorInvalidValue);
  }
  return enqueue(stream, [=, body = std::move(body)] { run_kernel(name, grid, block, shared_bytes, body); });
}

void* dynamic_shared() { return device().shared; }

unsigned lane() { return device().current % 32; }

void fault(const char* what) {
  Device& d = device();
  d.fault = what;
  for (;;) leave(d.threads[d.current]->fiber);
}

int block_barrier(int value) {
  Device& d = device();
  d.barrier_sum += value;
  if (++d.at_barrier == d.active) {
    d.barrier_result = d.barrier_sum;
    d.at_barrier = 0;
    d.barrier_sum = 0;
    release(Wait::barrier);
    yield_to_scheduler(Wait::none, "");  // the last to come has no head start
  } else {
    yield_to_scheduler(Wait::barrier, "__syncthreads");
  }
  return d.barrier_result;
}

void collective(const char* kind, unsigned mask, const std::uint32_t* in, int in_words, std::uint32_t* out, int out_words,
                const std::function<void(Collective&)>& combine) {
  Device& d = device();
  const unsigned self = d.current, my_lane = self % 32;
  Warp& warp = d.warps[self / 32];
  mask &= warp.lanes;
  if ((mask >> my_lane & 1u) == 0) fault((std::string(kind) + ": the calling lane is not in the mask").c_str());
  Pending* op = nullptr;
  for (const auto& p : warp.pending) {
    if (p->data.mask == mask) op = p.get();
  }
  if (op == nullptr) {
    if (warp.spare.empty()) warp.spare.push_back(std::make_unique<Pending>());
    warp.pending.push_back(std::move(warp.spare.back()));
    warp.spare.pop_back();
    op = warp.pending.back().get();
    op->kind = kind;
    op->arrived = 0;
    op->data.mask = mask;
    std::memset(op->data.out, kPoison, sizeof op->data.out);
  }
  if (std::strcmp(op->kind, kind) != 0) {
    fault((std::string("lanes of a warp meet in different operations: ") + op->kind + " and " + kind).c_str());
  }
  if (in_words > 0) std::memcpy(op->data.in[my_lane], in, static_cast<std::size_t>(in_words) * 4);
  op->arrived |= 1u << my_lane;
  if (op->arrived == mask) {
    combine(op->data);
    for (unsigned i = 0; i < 32; ++i) {
      if ((mask >> i & 1u) == 0) continue;
      Thread& t = *d.threads[self / 32 * 32 + i];
      std::memcpy(t.out, op->data.out[i], sizeof t.out);
      t.wait = Wait::none;
    }
    for (auto& p : warp.pending) {
      if (p.get() != op) continue;
      std::swap(p, warp.pending.back());
      warp.spare.push_back(std::move(warp.pending.back()));
      warp.pending.pop_back();
      break;
    }
    yield_to_scheduler(Wait::none, "");
  } else {
    yield_to_scheduler(Wait::collective, kind);
  }
  if (out_words > 0) std::memcpy(out, d.threads[self]->out, static_cast<std::size_t>(out_words) * 4);
}

}  // namespace emulated

using namespace emulated;

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
  return cudaSuccess;
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
  LOCKED("cudaDeviceSynchronize");
  return result("", flush_all());
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  LOCKED("cudaMalloc");
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
  LOCKED("cudaFree");
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
  LOCKED("cudaHostAlloc");
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return last_error = cudaErrorMemoryAllocation;
  std::memset(*memory, kPoison, bytes);
  device().pinned_memory[*memory] = bytes;
  device().pinned += bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
  LOCKED("cudaFreeHost");
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
  return enqueue(stream, [=] { std::memcpy(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  LOCKED("cudaMemsetAsync");
  if (!within(device().memory, memory, bytes)) return last_error = cudaErrorInvalidValue;
  return enqueue(stream, [=] { std::memset(memory, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  LOCKED("cudaStreamCreateWithFlags");
  *stream = new Stream;
  device().streams.push_back(*stream);
  ++device().objects;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
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
  LOCKED("cudaEventCreate");
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
