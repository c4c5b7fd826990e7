#pragma once

#include <cuda_runtime.h>

// Small kernels that the runtime's tests launch.
namespace test_kernels {

void add(int* values, unsigned n, int what, cudaStream_t stream);
// Adds 1 to values[0]; a kernel that one test alone launches.
void increment(int* values, cudaStream_t stream);
// Reverses each run of 64 values, through shared memory.
void reverse_blocks(int* values, unsigned n, cudaStream_t stream);
// c [16][8] = a [16][16] b [16][8].
void multiply(const float* a, const float* b, float* c, cudaStream_t stream);
// out[i] = sum of j * j over i's warp, 64 threads.
void warp_operations(int* out, cudaStream_t stream);
// Wrong on purpose.
void reverse_without_barrier(int* values, unsigned n, cudaStream_t stream);
void half_at_barrier(cudaStream_t stream);

}  // namespace test_kernels
