// What the scheduler of blocks (emulated_device.cpp) and the runtime API (emulated_runtime.cpp) share: the one device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "emulated_device.h"
#include "fiber.h"

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
  std::size_t memory_bytes = 0, used = 0, pinned = 0, objects = 0, launched = 0, streams_made = 0, to_host = 0;
  std::map<void*, std::size_t> memory, pinned_memory;
  std::map<std::string, std::pair<cudaError_t, int>> failures;
  std::vector<Stream*> streams;
  std::function<void()> before_stream_destroy;
  Stream legacy;
  std::set<const void*> loaded;  // functions that were launched once
  std::set<int> contexts;        // devices that have one
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

Device& device();

// Runs all blocks of a kernel; a fault in one is the device's `sticky` error.
void run_kernel(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes, const Work& body);

}  // namespace emulated
