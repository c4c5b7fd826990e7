// Memory attention and memory encoder at the official size: milliseconds and GFLOP/s, by memory frames.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "measure.h"
#include "random_memory.h"

int main(int argc, char** argv) {
  using namespace unsam;
  const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : std::thread::hardware_concurrency();
  const MemoryPlan plan = published_memory();
  const RandomMemory random(1, plan);
  const MemoryNetwork network(plan, random.tensors());
  const std::size_t cells = 4096;
  const std::vector<float> features = normal_values(2, plan.width * cells), mask(plan.image_size * plan.image_size, -10.0f);
  for (const std::size_t frames : {1, 7}) {
    const std::size_t tokens = frames == 1 ? 4 : 64;
    const RandomFeed feed(3, plan, frames, tokens);
    const double keys = static_cast<double>(frames * cells + tokens);
    // Multiply-adds of a layer as they are done here.
    const double layer = 4096 * (4096.0 * 512 + keys * 320 + 4.0 * 65536 + 64 * 256 + 2.0 * 256 * 2048) + keys * 64 * 256;
    const double ms = 1e3 * median_seconds(3, [&] { network.attend(features, feed.view(), {.threads = threads}); });
    std::printf("attention, %zu memory frames: %.0f ms, %.0f GFLOP/s\n", frames, ms, 8 * layer / ms / 1e6);
  }
  const double ms = 1e3 * median_seconds(5, [&] { network.remember(features, mask, false, {.threads = threads}); });
  std::printf("memory encoder: %.0f ms, %.0f GFLOP/s\n", ms, 11.6e3 / ms);
}
