// The CUDA foundations, on the real device or on the emulated one: errors, memory, streams, graphs, and (emulated only)
// the emulation itself.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <thread>

#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "cuda_test.h"
#include "gpu_present.h"
#include "test_kernels.h"
#include "unsam/cuda.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

std::shared_ptr<MemoryPool> pool(std::size_t limit = 0, std::size_t keep = 0) {
  return std::make_shared<MemoryPool>(0, limit, keep);
}

}  // namespace

TEST("a device says what it is") {
  need_device();
  CHECK(device_count() >= 1);
  CHECK(why_unavailable().empty());
  CHECK(device_info(0).major >= 8);
  CHECK_THROWS(device_info(-1), ErrorCode::bad_option);
  CHECK_THROWS(device_info(99), ErrorCode::bad_option);
  CHECK_THROWS(require_device(99), ErrorCode::bad_option);
}

TEST("a limit that is exceeded is a typed error, and the pool works on") {
  need_device();
  const auto memory = pool(1 << 20, 1 << 20);
  {
    const DeviceArray<char> most(memory, 700'000);
    CHECK_THROWS(DeviceArray<char>(memory, 500'000), ErrorCode::out_of_memory);
    CHECK_THROWS(DeviceArray<char>(memory, std::size_t{1} << 60), ErrorCode::out_of_memory);
    const DeviceArray<char> rest(memory, 200'000);
    CHECK(rest.data() != nullptr);
  }
  CHECK(memory->bytes_in_use() == 0);
  const DeviceArray<char> other_size(memory, 800'000);  // what was kept is given up for it
  CHECK(other_size.data() != nullptr);
}

TEST("memory that comes back is taken again") {
  need_device();
  const auto memory = pool(0, 1 << 20);
  const char* first = DeviceArray<char>(memory, 1000).data();
  CHECK(DeviceArray<char>(memory, 1001).data() == first);
}

TEST("kernels run in order, graphs replay what was recorded") {
  need_device();
  constexpr unsigned n = 1000;
  const Stream stream;
  PinnedArray<int> host(n);
  DeviceArray<int> values(pool(), n);
  std::iota(host.data(), host.data() + n, 0);
  const auto work = [&] {
    copy_to_device(values.data(), host.data(), n * sizeof(int), stream.get());
    test_kernels::add(values.data(), n, 3, stream.get());
    test_kernels::reverse_blocks(values.data(), n, stream.get());
    copy_to_host(host.data(), values.data(), n * sizeof(int), stream.get());
  };
  const auto expected = [&](std::vector<int> v) {
    for (int& x : v) x += 3;
    for (unsigned b = 0; b < n; b += 64) std::reverse(v.begin() + b, v.begin() + std::min(b + 64, n));
    return v;
  };
  const auto now = [&] { return std::vector<int>(host.data(), host.data() + n); };
  std::vector<int> want = expected(now());
  work();
  stream.synchronize();
  CHECK(now() == want);
  const Graph graph(stream, work);
  CHECK(now() == want);  // recording runs nothing
  for (int round = 0; round < 3; ++round) {
    want = expected(want);
    graph.launch(stream.get());
    stream.synchronize();
    CHECK(now() == want);
  }
}

TEST("tensor cores multiply 16 x 16 by 16 x 8, asynchronous copies arrive") {
  need_device();
  test::Random random(1);
  const Stream stream;
  PinnedArray<float> host(16 * 16 + 16 * 8 + 16 * 8);
  float* a = host.data();
  float* b = a + 256;
  float* c = b + 128;
  for (int i = 0; i < 384; ++i) a[i] = static_cast<float>(static_cast<int>(random() % 17) - 8);  // exact in bfloat16
  DeviceArray<float> device(pool(), host.size());
  copy_to_device(device.data(), host.data(), host.size() * sizeof(float), stream.get());
  test_kernels::multiply(device.data(), device.data() + 256, device.data() + 384, stream.get());
  copy_to_host(host.data(), device.data(), host.size() * sizeof(float), stream.get());
  stream.synchronize();
  for (int m = 0; m < 16; ++m) {
    for (int n = 0; n < 8; ++n) {
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += a[m * 16 + k] * b[k * 8 + n];
      CHECK(c[m * 8 + n] == sum);
    }
  }
}

TEST("warp operations") {
  need_device();
  const Stream stream;
  PinnedArray<int> host(64);
  DeviceArray<int> device(pool(), 64);
  test_kernels::warp_operations(device.data(), stream.get());
  copy_to_host(host.data(), device.data(), 64 * sizeof(int), stream.get());
  stream.synchronize();
  for (int i = 0; i < 64; ++i) {
    const int base = i / 32 * 32;
    int want = 0;
    for (int lane = 0; lane < 32; ++lane) want += (base + lane) * (base + lane);
    CHECK(host[static_cast<std::size_t>(i)] == want);
  }
}

#if defined(UNSAM_EMULATED_DEVICE)

TEST("a machine without driver or device says why") {
  emulated::set_device_count(0);
  CHECK(device_count() == 0);
  CHECK(why_unavailable().find("no CUDA device") != std::string::npos);
  CHECK_THROWS(device_info(0), ErrorCode::unsupported);
  emulated::set_driver_error(cudaErrorInsufficientDriver, 0);
  CHECK(why_unavailable().find("No NVIDIA driver") != std::string::npos);
  emulated::set_driver_error(cudaErrorInsufficientDriver, 11040);
  CHECK(why_unavailable().find("CUDA 11.4") != std::string::npos);
  emulated::set_driver_error(cudaSuccess, 13000);
  emulated::set_device_count(1);
  CHECK(why_unavailable().empty());
}

TEST("a GPU is present where nvidia-smi finds one, so that no test is skipped there") {
  const auto folder = std::filesystem::temp_directory_path() / ("unsam-nvidia-smi-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto with = [&](const char* body) {  // a fake nvidia-smi
    std::ofstream(folder / "nvidia-smi") << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(folder / "nvidia-smi", std::filesystem::perms::owner_all);
    return gpu_present();
  };
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", (folder.string() + ":" + before).c_str(), 1);
  CHECK(with("exit 0"));
  CHECK(with("exit 9") == std::filesystem::exists("/dev/nvidia0"));
  ::setenv("PATH", before.c_str(), 1);
  std::filesystem::remove_all(folder);
}

TEST("work on the second device leaves no context on the first") {
  emulated::set_device_count(2);
  emulated::forget_contexts();
  {
    const auto memory = std::make_shared<MemoryPool>(1, 0, 1 << 20);
    DeviceArray<char> values(memory, 100);
    std::thread([&] { const DeviceArray<char> moved = std::move(values); }).join();  // given back where no device was chosen
    const DeviceScope scope(1);
    { const DeviceScope inner(1); }
  }
  CHECK(!emulated::has_context(0));
  int now = -1;
  CHECK(cudaGetDevice(&now) == cudaSuccess && now == 1);
  // Where there is a context on the former device, that one is current again.
  CHECK(cudaSetDevice(0) == cudaSuccess);
  { const DeviceScope scope(1); }
  CHECK(cudaGetDevice(&now) == cudaSuccess && now == 0);
  emulated::set_device_count(1);
}

TEST("a kernel's first launch is refused in a capture, since it loads the kernel") {
  const Stream stream;
  DeviceArray<int> values(pool(), 1);
  clear(values.data(), sizeof(int), stream.get());
  const auto work = [&] { test_kernels::increment(values.data(), stream.get()); };
  CHECK_THROWS(Graph(stream, work), ErrorCode::device);
  work();
  const Graph graph(stream, work);
  graph.launch(stream.get());
  PinnedArray<int> host(1);
  copy_to_host(host.data(), values.data(), sizeof(int), stream.get());
  stream.synchronize();
  CHECK(host[0] == 2);
}

TEST("errors name the call") {
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  emulated::fail("cudaStreamCreateWithFlags", cudaErrorIllegalAddress);
  const std::string text = message([] { const Stream stream; });
  CHECK(text.find("cudaStreamCreateWithFlags") != std::string::npos);
  CHECK(text.find("cudaErrorIllegalAddress") != std::string::npos);
  emulated::fail("cudaMalloc", cudaErrorMemoryAllocation);
  CHECK_THROWS(DeviceArray<char>(pool(), 10), ErrorCode::out_of_memory);
  const Stream stream;
  DeviceArray<int> values(pool(), 1);
  emulated::fail("cudaLaunchKernel", cudaErrorLaunchFailure);
  CHECK(message([&] { test_kernels::add(values.data(), 1, 1, stream.get()); }).find("add") != std::string::npos);
}

TEST("the device's own exhaustion is met by giving up what was kept") {
  const auto memory = pool(0, 1 << 20);
  { const DeviceArray<char> kept(memory, 600'000); }
  emulated::set_memory_bytes(emulated::memory_in_use() + 100'000);
  CHECK(DeviceArray<char>(memory, 500'000).data() != nullptr);
  CHECK_THROWS(DeviceArray<char>(memory, 900'000), ErrorCode::out_of_memory);
  emulated::set_memory_bytes(0);
}

TEST("the emulation finds missing barriers and waits without end") {
  const Stream stream;
  constexpr unsigned n = 256;
  PinnedArray<int> host(n);
  DeviceArray<int> values(pool(), n);
  bool wrong = false;
  for (unsigned seed = 0; seed < 4; ++seed) {
    emulated::set_seed(seed);
    std::iota(host.data(), host.data() + n, 0);
    copy_to_device(values.data(), host.data(), n * sizeof(int), stream.get());
    test_kernels::reverse_without_barrier(values.data(), n, stream.get());
    copy_to_host(host.data(), values.data(), n * sizeof(int), stream.get());
    stream.synchronize();
    for (unsigned i = 0; i < n; ++i) wrong |= host[i] != static_cast<int>(n - 1 - i);
  }
  CHECK(wrong);
  test_kernels::half_at_barrier(stream.get());
  CHECK_THROWS(stream.synchronize(), ErrorCode::device);
  stream.synchronize();  // the device goes on
}

TEST("copies to the wrong side are refused") {
  const Stream stream;
  PinnedArray<int> host(4);
  std::vector<int> pageable(4);
  DeviceArray<int> values(pool(), 4);
  CHECK_THROWS(copy_to_host(values.data(), values.data(), 16, stream.get()), ErrorCode::device);
  CHECK_THROWS(copy_to_device(values.data(), pageable.data(), 16, stream.get()), ErrorCode::device);
  CHECK_THROWS(copy_to_device(values.data(), host.data(), 20, stream.get()), ErrorCode::device);
}

TEST("nothing is left") { check_nothing_left(); }

#endif
