// A memory of any shape with seeded random weights: for benchmarks and tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "unsam/memory.h"

namespace unsam {

// The sizes of the published SAM 2.1.
MemoryPlan published_memory();

struct RandomMemory {
  RandomMemory(std::uint64_t seed, const MemoryPlan& plan);
  TensorMap tensors() const;
  static std::vector<float> numbers(std::uint64_t seed, std::size_t count, float scale = 1.0f);

  MemoryPlan plan;
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, std::vector<std::size_t>> shapes;
};

// What a frame reads, with the arrays that it lies in.
struct RandomFeed {
  RandomFeed(std::uint64_t seed, const MemoryPlan& plan, std::size_t frames, std::size_t tokens);
  MemoryFeed view() const { return {memory, times, pointers, pointer_times}; }

  std::vector<float> memory, times, pointers, pointer_times;
};

}  // namespace unsam
