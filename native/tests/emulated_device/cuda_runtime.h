// A stand-in for CUDA's header of the same name: compiles .cu files as host C++ and runs their kernels on an emulated
// device (emulated_device.cpp). Holds what the project's kernels and host code use, with CUDA's names and semantics; the
// README beside this file says what the emulation can prove and what not.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// Statics of non-template functions land in a section that is poisoned before each block.
#define __shared__ static __attribute__((section("emulated_shared")))
#define __constant__ static

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
  unsigned x, y, z;
};
#define EMULATED_VECTOR(T, name)                                                             \
  struct name##2 {                                                                           \
    T x, y;                                                                                  \
  };                                                                                         \
  struct alignas(16) name##4 {                                                               \
    T x, y, z, w;                                                                            \
  };                                                                                         \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                 \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTOR(float, float)
EMULATED_VECTOR(int, int)
EMULATED_VECTOR(unsigned, uint)
#undef EMULATED_VECTOR

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// ---- host API

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
};
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaHostAllocPortable = 1;
#define CUDART_VERSION 13000
inline constexpr unsigned long long cudaEnableDefault = 0;
struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor, multiProcessorCount;
};
namespace emulated {
struct Stream;
struct Event;
struct Graph;
}  // namespace emulated
using cudaStream_t = emulated::Stream*;
using cudaEvent_t = emulated::Event*;
using cudaGraph_t = emulated::Graph*;
using cudaGraphExec_t = emulated::Graph*;

const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned version, unsigned long long flags);
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end);

// ---- what only the emulation has

namespace emulated {

// Enqueues body(), run by every thread of every block. The first launch of a function loads it and is refused in a capture.
cudaError_t launch(const char* name, const void* function, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   std::function<void()> body);

// The dynamic shared memory of the running block.
void* dynamic_shared();

// One step that lanes of a warp take together: each brings `in`, waits for all lanes of `mask`, and takes `out` away.
// `combine` runs once, when the last has come; kind must be the same for all of them.
inline constexpr int kCollectiveWords = 12;
struct Collective {
  unsigned mask;
  std::uint32_t in[32][kCollectiveWords];
  std::uint32_t out[32][kCollectiveWords];
};
void collective(const char* kind, unsigned mask, const std::uint32_t* in, int in_words, std::uint32_t* out, int out_words,
                const std::function<void(Collective&)>& combine);
unsigned lane();

// __syncthreads with a value that all threads' values are added to.
int block_barrier(int value);
[[noreturn]] void fault(const char* what);

}  // namespace emulated

// ---- device functions

inline void __syncthreads() { (void)emulated::block_barrier(0); }
inline int __syncthreads_count(int predicate) { return emulated::block_barrier(predicate != 0); }
inline int __syncthreads_or(int predicate) { return emulated::block_barrier(predicate != 0) > 0; }
inline int __syncthreads_and(int predicate) { return emulated::block_barrier(predicate == 0) == 0; }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  emulated::collective("__syncwarp", mask, nullptr, 0, nullptr, 0, [](emulated::Collective&) {});
}
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace emulated {

template <typename T, typename Source>
T shuffle(const char* kind, unsigned mask, T value, int width, Source source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  constexpr int words = sizeof(T) / 4;
  std::uint32_t in[3] = {0, 0, 0}, out[2] = {0, 0};
  std::memcpy(in, &value, sizeof(T));
  const int from = source(static_cast<int>(lane()), width);
  in[words] = static_cast<std::uint32_t>(from);
  collective(kind, mask, in, words + 1, out, words, [](Collective& c) {
    for (int i = 0; i < 32; ++i) {
      if ((c.mask >> i & 1u) == 0) continue;
      const unsigned from_lane = c.in[i][words];
      for (int w = 0; w < words; ++w) {
        // A lane outside the mask has nothing to give: undefined in CUDA, a NaN pattern here.
        c.out[i][w] = (c.mask >> from_lane & 1u) ? c.in[from_lane][w] : 0xffffffffu;
      }
    }
  });
  T result;
  std::memcpy(&result, out, sizeof(T));
  return result;
}

template <typename T, typename F>
T reduce(const char* kind, unsigned mask, T value, F f) {
  std::uint32_t in, out;
  std::memcpy(&in, &value, 4);
  collective(kind, mask, &in, 1, &out, 1, [f](Collective& c) {
    bool first = true;
    T total{};
    for (int i = 0; i < 32; ++i) {
      if ((c.mask >> i & 1u) == 0) continue;
      T x;
      std::memcpy(&x, c.in[i], 4);
      total = first ? x : static_cast<T>(f(total, x));
      first = false;
    }
    for (int i = 0; i < 32; ++i) std::memcpy(c.out[i], &total, 4);
  });
  T result;
  std::memcpy(&result, &out, 4);
  return result;
}

}  // namespace emulated

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return emulated::shuffle("__shfl_sync", mask, value, width,
                           [source](int lane, int w) { return lane / w * w + (source & (w - 1)); });
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  return emulated::shuffle("__shfl_xor_sync", mask, value, width, [lanes](int lane, int w) {
    const int from = lane ^ lanes;
    return from / w > lane / w ? lane : from;
  });
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return emulated::shuffle("__shfl_up_sync", mask, value, width, [delta](int lane, int w) {
    return lane % w < static_cast<int>(delta) ? lane : lane - static_cast<int>(delta);
  });
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return emulated::shuffle("__shfl_down_sync", mask, value, width, [delta](int lane, int w) {
    return lane % w + static_cast<int>(delta) >= w ? lane : lane + static_cast<int>(delta);
  });
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const unsigned mine = predicate != 0 ? 1u << emulated::lane() : 0u;
  return emulated::reduce("__ballot_sync", mask, mine, [](unsigned a, unsigned b) { return a | b; });
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }
inline unsigned __match_any_sync(unsigned mask, unsigned value) {
  std::uint32_t out;
  emulated::collective("__match_any_sync", mask, &value, 1, &out, 1, [](emulated::Collective& c) {
    for (int i = 0; i < 32; ++i) {
      c.out[i][0] = 0;
      for (int j = 0; j < 32; ++j) {
        if ((c.mask >> i & c.mask >> j & 1u) && c.in[i][0] == c.in[j][0]) c.out[i][0] |= 1u << j;
      }
    }
  });
  return out;
}
#define EMULATED_REDUCE(name, T, expression)                                             \
  inline T name(unsigned mask, T value) {                                                \
    return emulated::reduce(#name, mask, value, [](T a, T b) { return expression; });    \
  }
EMULATED_REDUCE(__reduce_add_sync, unsigned, a + b)
EMULATED_REDUCE(__reduce_add_sync, int, a + b)
EMULATED_REDUCE(__reduce_min_sync, unsigned, a < b ? a : b)
EMULATED_REDUCE(__reduce_min_sync, int, a < b ? a : b)
EMULATED_REDUCE(__reduce_max_sync, unsigned, a > b ? a : b)
EMULATED_REDUCE(__reduce_max_sync, int, a > b ? a : b)
EMULATED_REDUCE(__reduce_or_sync, unsigned, a | b)
EMULATED_REDUCE(__reduce_and_sync, unsigned, a & b)
EMULATED_REDUCE(__reduce_xor_sync, unsigned, a ^ b)
#undef EMULATED_REDUCE

// Blocks and threads run one at a time, so plain memory operations are atomic.
#define EMULATED_ATOMIC(name, expression)             \
  template <typename T>                               \
  T name(T* address, std::type_identity_t<T> value) { \
    const T old = *address;                           \
    *address = static_cast<T>(expression);            \
    return old;                                       \
  }
EMULATED_ATOMIC(atomicAdd, old + value)
EMULATED_ATOMIC(atomicSub, old - value)
EMULATED_ATOMIC(atomicMin, old < value ? old : value)
EMULATED_ATOMIC(atomicMax, old > value ? old : value)
EMULATED_ATOMIC(atomicOr, old | value)
EMULATED_ATOMIC(atomicAnd, old & value)
EMULATED_ATOMIC(atomicXor, old ^ value)
EMULATED_ATOMIC(atomicExch, value)
#undef EMULATED_ATOMIC
template <typename T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}

template <typename T>
T __ldg(const T* p) { return *p; }
template <typename T>
T __ldcs(const T* p) { return *p; }
template <typename T>
T __ldcg(const T* p) { return *p; }
template <typename T>
void __stcs(T* p, std::type_identity_t<T> value) { *p = value; }
template <typename T>
void __stcg(T* p, std::type_identity_t<T> value) { *p = value; }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline unsigned __brev(unsigned x) {
  unsigned y = 0;
  for (int i = 0; i < 32; ++i) y |= (x >> i & 1u) << (31 - i);
  return y;
}
inline unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned shift) {
  shift &= 31;
  return shift == 0 ? hi : hi << shift | lo >> (32 - shift);
}
inline unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned shift) {
  shift &= 31;
  return shift == 0 ? lo : lo >> shift | hi << (32 - shift);
}
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float sinpif(float x) { return static_cast<float>(std::sin(3.14159265358979323846 * x)); }
inline float cospif(float x) { return static_cast<float>(std::cos(3.14159265358979323846 * x)); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
using std::max;
using std::min;
