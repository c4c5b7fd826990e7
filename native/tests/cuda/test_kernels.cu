#include "test_kernels.h"

#include "cuda/device/shared_memory.h"
#include "cuda/device/tensor_core.h"
#include "cuda/device/warp.h"
#include "cuda/runtime/launch.h"

namespace test_kernels {
namespace {

using namespace unsam::cuda;

__global__ void add_kernel(int* values, unsigned n, int what) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) values[i] += what;
}

__global__ void increment_kernel(int* values) { values[0] += 1; }

__global__ void reverse_kernel(int* values, unsigned n, bool wait) {
  int* run = dynamic_shared<int>();
  const unsigned first = blockIdx.x * blockDim.x, length = min(blockDim.x, n - first);
  if (threadIdx.x < length) run[threadIdx.x] = values[first + threadIdx.x];
  if (wait) __syncthreads();
  if (threadIdx.x < length) values[first + threadIdx.x] = run[length - 1 - threadIdx.x];
}

__global__ void multiply_kernel(const float* a, const float* b, float* c) {
  __shared__ __align__(16) float left[256];
  for (unsigned i = threadIdx.x; i < 64; i += 32) copy_async_16(left + 4 * i, a + 4 * i);
  copy_async_wait();
  __syncthreads();
  const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
  std::uint32_t x[4], y[2];
  for (unsigned i = 0; i < 4; ++i) {
    const float* at = left + (g + i % 2 * 8) * 16 + 2 * t + i / 2 * 8;
    x[i] = pack_bf16(at[0], at[1]);
  }
  for (unsigned i = 0; i < 2; ++i) {
    const float* at = b + (2 * t + i * 8) * 8 + g;
    y[i] = pack_bf16(at[0], at[8]);
  }
  float d[4] = {0, 0, 0, 0};
  mma_bf16(d, x, y);
  for (unsigned i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

__global__ void warp_kernel(int* out) {
  const int i = static_cast<int>(threadIdx.x);
  out[i] = warp_sum(i * i);
}

__global__ void half_kernel() {
  if (threadIdx.x < 32) __syncthreads();
}

}  // namespace

void add(int* values, unsigned n, int what, cudaStream_t stream) {
  launch("add", add_kernel, (n + 127) / 128, 128, 0, stream, values, n, what);
}

void increment(int* values, cudaStream_t stream) { launch("increment", increment_kernel, 1, 1, 0, stream, values); }

void reverse_blocks(int* values, unsigned n, cudaStream_t stream) {
  launch("reverse_blocks", reverse_kernel, (n + 63) / 64, 64, 64 * sizeof(int), stream, values, n, true);
}

void multiply(const float* a, const float* b, float* c, cudaStream_t stream) {
  launch("multiply", multiply_kernel, 1, 32, 0, stream, a, b, c);
}

void warp_operations(int* out, cudaStream_t stream) { launch("warp_operations", warp_kernel, 1, 64, 0, stream, out); }

void reverse_without_barrier(int* values, unsigned n, cudaStream_t stream) {
  launch("reverse_without_barrier", reverse_kernel, 1, n, n * sizeof(int), stream, values, n, false);
}

void half_at_barrier(cudaStream_t stream) { launch("half_at_barrier", half_kernel, 1, 64, 0, stream); }

}  // namespace test_kernels
