// A memory of any shape with seeded random weights: for benchmarks and tests.
#pragma once

#include <cstdint>
#include <vector>

#include "random_tensors.h"
#include "unsam/memory.h"

namespace unsam {

// The sizes of the published SAM 2.1.
MemoryPlan published_memory();

struct RandomMemory : RandomTensors {
  RandomMemory(std::uint64_t seed, const MemoryPlan& plan);

  MemoryPlan plan;
};

// What a frame reads, with the arrays that it lies in.
struct RandomFeed {
  RandomFeed(std::uint64_t seed, const MemoryPlan& plan, std::size_t frames, std::size_t tokens);
  MemoryFeed view() const { return {memory, times, pointers, pointer_times}; }

  std::vector<float> memory, times, pointers, pointer_times;
};

}  // namespace unsam
