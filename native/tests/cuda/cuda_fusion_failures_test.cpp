// Fusion on a device where something is wrong: with the input, with memory, with a call; and several threads at once.
#include <cstring>
#include <limits>
#include <thread>

#include "cuda_test.h"
#include "fusion/scenes.h"
#include "same_fusion.h"
#include "unsam/cuda_fusion.h"

namespace {

using namespace scenes;
using namespace unsam;

}  // namespace

TEST("what is wrong with the input is told as by the CPU version") {
  need_device();
  const cuda::Fusion fusion;
  const std::vector<float> data(12);
  const std::vector<double> two = {0.1, 0.2}, nan = {0.1, std::numeric_limits<double>::quiet_NaN()}, far = {0.5, 1.5};
  CHECK_THROWS(fusion.mask_statistics(LogitMaps{0, 2, 3, {}}, {}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.mask_statistics(LogitMaps{1, 2, 3, data}, {}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.mask_statistics(LogitMaps{2, 2, 3, data}, {0.0, -1.0}), ErrorCode::bad_option);
  CHECK_THROWS(fusion.mask_statistics(cuda::DeviceLogitMaps{1, 2, 3, nullptr}, {}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.finish_masks(LogitMaps{2, 2, 3, data}, 0, 5, {}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.fuse_logits(LogitMaps{2, 2, 3, data}, two, nan, {}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.fuse_logits(LogitMaps{2, 2, 3, data}, two, far, {{}, 0.9, 0.8, 0.0}), ErrorCode::bad_prompt);
  CHECK_THROWS(fusion.fuse_logits(LogitMaps{2, 2, 3, data}, two, two, {{}, 1.5, 0.8, 1.0}), ErrorCode::bad_option);
  const std::vector<std::uint32_t> stray = {0x80000000u};
  CHECK_THROWS(fusion.find_components(stray, 3, 1, Connectivity::four), ErrorCode::bad_prompt);
  const std::vector<std::int32_t> box = {0, 0, 3, 0};
  const std::vector<std::uint32_t> one = {1u};
  CHECK_THROWS(fusion.pairwise_overlaps({1, 3, 1, one}, box), ErrorCode::bad_prompt);
  CHECK_THROWS(cuda::Fusion({99}), ErrorCode::bad_option);
  CHECK(fusion.memory_bytes() == 0);
  CHECK(fusion.mask_statistics(LogitMaps{2, 2, 3, data}, {}).areas == std::vector<std::uint32_t>({0, 0}));
}

TEST("without memory a call fails and the next one works") {
  need_device();
  test::Random random(5);
  const std::vector<float> data = logits(random, 40, 32, 32, false);
  const LogitMaps maps{40, 32, 32, data};
  const cuda::Fusion small({0, 100'000, true});
  CHECK_THROWS(small.mask_statistics(maps, {}), ErrorCode::out_of_memory);
  CHECK(small.memory_bytes() == 0);
  const LogitMaps few{2, 32, 32, std::span(data).first(2 * 32 * 32)};
  CHECK(same(small.mask_statistics(few, {}), mask_statistics(few, {}, serial_for)));
#if defined(UNSAM_EMULATED_DEVICE)
  const std::vector<double> scores(40, 0.5);
  const FusedScene want = fuse_logits(maps, scores, scores, {}, serial_for);
  const cuda::Fusion fusion({0, 0, false});
  const std::size_t pinned = emulated::pinned_in_use();  // kept by `small`
  for (const char* call : {"cudaMalloc", "cudaHostAlloc", "cudaLaunchKernel", "cudaMemcpyAsync", "cudaEventCreate"}) {
    for (int skip = 0; skip < 30; ++skip) {  // each of them once
      const bool memory = std::strcmp(call, "cudaMalloc") == 0 || std::strcmp(call, "cudaHostAlloc") == 0;
      emulated::fail(call, memory ? cudaErrorMemoryAllocation : cudaErrorLaunchFailure, skip);
      try {
        const FusedScene got = fusion.fuse_logits(maps, scores, scores, {});
        CHECK(same(got, want));
        emulated::fail(call, cudaSuccess, 1 << 30);  // there were not as many calls
        break;
      } catch (const Error& e) {
        CHECK(e.code() == (memory ? ErrorCode::out_of_memory : ErrorCode::device));
      }
      CHECK(fusion.memory_bytes() == 0);
      CHECK(emulated::pinned_in_use() == pinned);
    }
    CHECK(same(fusion.fuse_logits(maps, scores, scores, {}), want));
  }
#endif
}

TEST("threads call at once") {
  need_device();
  test::Random random(6);
  const std::vector<float> data = logits(random, 12, 20, 40, true);
  const LogitMaps maps{12, 20, 40, data};
  const std::vector<double> scores(12, 0.5);
  const FusedScene want = fuse_logits(maps, scores, scores, {}, serial_for);
  const cuda::Fusion fusion;
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 3; ++n) right[t] += same(fusion.fuse_logits(maps, scores, scores, {}), want);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 3));
}

#if defined(UNSAM_EMULATED_DEVICE)
TEST("nothing is left") { check_nothing_left(); }
#endif
