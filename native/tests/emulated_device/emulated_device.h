// Knobs of the emulated device, for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "cuda_runtime.h"

namespace emulated {

// Order in which threads run between two barriers.
void set_seed(std::uint64_t seed);
// As many devices as a test wants; 0 makes cudaGetDeviceCount fail like a machine without one.
void set_device_count(int count);
// Of each device; 3 at first.
void set_multiprocessors(int count);
// cudaErrorInsufficientDriver and the like for every later cudaGetDeviceCount; cudaSuccess ends it.
void set_driver_error(cudaError_t error, int driver_version);
// cudaMalloc fails beyond this; 0: no limit.
void set_memory_bytes(std::size_t bytes);
// The call of that name fails `skip` calls from now, once.
void fail(const char* call, cudaError_t error, int skip = 0);

std::size_t memory_in_use();     // bytes from cudaMalloc
std::size_t pinned_in_use();     // bytes from cudaHostAlloc
std::size_t objects_in_use();    // streams, events, graphs
// f runs before the next cudaStreamDestroy, once, with nothing of the device locked.
void before_stream_destroy(std::function<void()> f);

std::size_t streams_made();      // since the process started
std::size_t bytes_to_host();     // copied from the device since the process started
bool has_context(int device);    // whether the process has one
void forget_contexts();          // as if nothing had run yet
std::size_t kernels_launched();  // since the process started, counting each replay

}  // namespace emulated
