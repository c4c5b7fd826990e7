// The CUDA decoder, timed with events over graph replays, against two ceilings measured in the same run: a copy on the device
// and a large bfloat16 matrix product with the same tensor-core instruction the decoder uses.
// Beside it, whole calls by the clock of the host: `decode` from prompts to logits in host memory.
// Usage: cuda_bench [side, 64: the official size] [replays] [matrix side] [device] [most prompts]
//        cuda_bench --once PROMPTS: prepares an image and decodes once, launch by launch, for a profiler
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "cuda/device/shared_memory.h"
#include "cuda/device/tensor_core.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/launch.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "decoder/cpu/bfloat16.h"
#include "device_rates.h"
#include "measure.h"
#include "random_model.h"
#include "unsam/cuda.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

constexpr int kSide = 128, kDepth = 32, kPitch = kDepth + 8;  // of a block's tile; pitch in bfloat16, without bank conflicts

// C [n][n] float32 = A [n][n] B^T [n][n], bfloat16, n a multiple of 128: 8 warps of 64 x 32 each, two buffers of
// asynchronously copied tiles.
__global__ void __launch_bounds__(256) matrix_kernel(const std::uint16_t* a, const std::uint16_t* b, float* c, int n) {
  std::uint16_t* tiles = dynamic_shared<std::uint16_t>();  // [2 buffers][A, B][kSide][kPitch]
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
  const int m0 = static_cast<int>(blockIdx.y) * kSide, n0 = static_cast<int>(blockIdx.x) * kSide;
  const auto load = [&](int buffer, int k) {
    for (int i = thread; i < 2 * kSide * kDepth / 8; i += 256) {
      const int which = i / (kSide * kDepth / 8), row = i / (kDepth / 8) % kSide, column = i % (kDepth / 8) * 8;
      const std::uint16_t* from = (which == 0 ? a + static_cast<std::size_t>(m0 + row) * n : b + static_cast<std::size_t>(n0 + row) * n) + k + column;
      copy_async_16(tiles + ((buffer * 2 + which) * kSide + row) * kPitch + column, from);
    }
  };
  float d[4][4][4] = {};
  load(0, 0);
  for (int k = 0, buffer = 0; k < n; k += kDepth, buffer ^= 1) {
    copy_async_wait();
    __syncthreads();
    if (k + kDepth < n) load(buffer ^ 1, k + kDepth);
    const std::uint16_t* left = tiles + (buffer * 2 * kSide + warp / 4 * 64) * kPitch;
    const std::uint16_t* right = tiles + ((buffer * 2 + 1) * kSide + warp % 4 * 32) * kPitch;
    const auto word = [&](const std::uint16_t* from, int row, int at) {
      return *reinterpret_cast<const std::uint32_t*>(from + row * kPitch + at);
    };
#pragma unroll
    for (int at = 0; at < kDepth; at += 16) {
      std::uint32_t x[4][4], y[4][2];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int r = 0; r < 4; ++r) x[i][r] = word(left, 16 * i + g + r % 2 * 8, at + 2 * t + r / 2 * 8);
#pragma unroll
        for (int r = 0; r < 2; ++r) y[i][r] = word(right, 8 * i + g, at + 2 * t + r * 8);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) mma_bf16(d[i][j], x[i], y[j]);
      }
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int r = 0; r < 4; ++r) {
        const int row = m0 + warp / 4 * 64 + 16 * i + g + r / 2 * 8, column = n0 + warp % 4 * 32 + 8 * j + 2 * t + r % 2;
        c[static_cast<std::size_t>(row) * n + column] = d[i][j][r];
      }
    }
  }
}

double matrix_flops(const std::shared_ptr<MemoryPool>& pool, int n, int replays) {
  const Stream stream;
  const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  PinnedArray<std::uint16_t> host(size);
  // Small whole numbers: exact in bfloat16 and in the sums, so that any wrong element shows.
  for (std::size_t i = 0; i < size; ++i) host[i] = to_bfloat16(static_cast<float>(static_cast<int>(i * 7 % 5) - 2));
  const DeviceArray<std::uint16_t> a(pool, size), b(pool, size);
  const DeviceArray<float> c(pool, size);
  copy_to_device(a.data(), host.data(), 2 * size, stream.get());
  copy_to_device(b.data(), host.data(), 2 * size, stream.get());
  const auto blocks = static_cast<unsigned>(n / kSide);
  const float time = milliseconds(stream, replays, [&] {
    launch("matrix", matrix_kernel, dim3(blocks, blocks), 256, 4 * kSide * kPitch * sizeof(std::uint16_t), stream.get(), a.data(), b.data(),
           c.data(), n);
  });
  PinnedArray<float> result(size);
  copy_to_host(result.data(), c.data(), 4 * size, stream.get());
  stream.synchronize();
  for (std::size_t i = 0; i < size; i += size / 61) {
    const std::size_t row = i / static_cast<std::size_t>(n), column = i % static_cast<std::size_t>(n);
    long sum = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) {
      sum += (static_cast<long>((row * static_cast<std::size_t>(n) + k) * 7 % 5) - 2) * (static_cast<long>((column * static_cast<std::size_t>(n) + k) * 7 % 5) - 2);
    }
    if (result[i] != static_cast<float>(sum)) throw Error(ErrorCode::device, "The bench's matrix product is wrong; its rate would mean nothing.");
  }
  return 2.0 * n * static_cast<double>(size) / time * 1e3;
}

// What the plan multiplies per prompt of t tokens on n image tokens (docs/decisions/0011); 3 final tokens, one mask. It ends as that of
// decoder_bench, which counts what the CPU does in between, where the plan is another one.
double plan_flops(double t, double n) {
  const double c = 8 * t, by_head = 2 * 128 * t * n, final_head = 2 * 128 * 3 * n;
  const double first = 2 * by_head;
  const double second = 5 * by_head + c * c * n + 4 * c * c * n;
  const double third = 4 * by_head + 2 * c * c * n + 4 * c * c * n + 3 * final_head + 2 * 2 * 24 * 2 * c * n;
  const double upscaling = 2 * 256 * 2 * c * n + 2 * 4 * 128 * 64 * n + 2 * 16 * 32 * n;
  const double tokens = 2 * t * (2 * (2 * 256 * 2048 + 4 * 256 * 256 + 4 * 256 * 128) + 256 * 128 * 2) + 2 * 3 * 3 * 256 * 256;
  return first + second + third + upscaling + tokens;
}

// What it reads and writes per prompt, most of it in the level-2 cache: products, positions, high-resolution maps, attention
// (A1 written, read twice; A2 written, read once), logits.
double plan_bytes(double t, double n, double product, double element) {
  return n * (product * (1664 + 3 * 128 + 256 + 512) + element * 5 * 8 * t + 4 * 16);
}

// 64 clicks.
struct Clicks {
  explicit Clicks(std::size_t side) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 64; ++i) owned.emplace_back(random, side, 1, true, false);
    for (const auto& p : owned) prompts.push_back(p.view());
  }
  std::vector<RandomPrompt> owned;
  std::vector<Prompt> prompts;
};

void decode_once(std::size_t count) {
  constexpr std::size_t side = 64;
  const RandomModel model(1, true);
  const RandomFeatures features(2, side);
  const Clicks clicks(side);
  const cuda::Decoder decoder(model.weights(), {.graphs = false});
  const auto image = decoder.prepare(features.view());
  (void)decoder.decode(*image, std::span(clicks.prompts).first(std::clamp<std::size_t>(count, 1, 64)), false);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    const bool once = argc > 1 && std::strcmp(argv[1], "--once") == 0;
    const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
    const int side = argument(1, 64), replays = argument(2, 200), matrix = argument(3, 8192) / kSide * kSide, device = argument(4, 0);
    const auto most = static_cast<std::size_t>(argument(5, 64));
    const std::string why = why_unavailable();
    if (!why.empty()) {
      std::printf("not measured: %s\n", why.c_str());
      return 77;
    }
    if (once) {
      decode_once(static_cast<std::size_t>(argument(2, 1)));
      return 0;
    }
    require_device(device);
    const DeviceScope scope(device);
    const DeviceInfo info = device_info(device);
    const auto pool = std::make_shared<MemoryPool>(device, 0, 0);
    const double flops = matrix_flops(pool, matrix, std::max(replays / 10, 1));
    const double bytes = copy_bytes(pool, static_cast<std::size_t>(matrix) * static_cast<std::size_t>(matrix) * 4, std::max(replays / 4, 1));
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
    std::printf("%s, %s (%d.%d, %d multiprocessors); bfloat16 matrix product %d^3: %.1f TFLOP/s, device copy: %.0f GB/s\n\n", date,
                info.name.c_str(), info.major, info.minor, info.multiprocessors, matrix, flops / 1e12, bytes / 1e9);
    std::printf("| what | precision | prompts | ms | with transfers | call, wall clock | GFLOP/s | of the product | GB/s | of the copy |\n"
                "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    const RandomModel model(1, true);
    const RandomFeatures features(2, static_cast<std::size_t>(side));
    const Clicks clicks(static_cast<std::size_t>(side));
    const double tokens = side * side;
    for (const Precision precision : {Precision::bfloat16, Precision::float32}) {
      const bool bf16 = precision == Precision::bfloat16;
      const cuda::Decoder decoder(model.weights(), {.precision = precision, .device = device});
      const auto image = decoder.prepare(features.view());
      for (const std::size_t count : {1u, 8u, 64u}) {
        if (count > most) continue;
        const auto batch = std::span(clicks.prompts).first(count);
        const float kernels = decoder.time(*image, batch, false, replays, false), all = decoder.time(*image, batch, false, replays, true);
        const double wall = warm_median_seconds(static_cast<std::size_t>(std::max(replays / 4, 1)), [&] { (void)decoder.decode(*image, batch, false); });
        const double rate = plan_flops(10, tokens) * static_cast<double>(count) / kernels * 1e3;
        const double traffic = plan_bytes(10, tokens, bf16 ? 2 : 4, bf16 ? 2 : 4) * static_cast<double>(count) / kernels * 1e3;
        std::printf("| UnSAM CUDA | %s | %zu | %.3f | %.3f | %.3f | %.0f | %.1f %% | %.0f | %.0f %% |\n", bf16 ? "bfloat16" : "float32", count,
                    static_cast<double>(kernels), static_cast<double>(all), 1e3 * wall, rate / 1e9, 100 * rate / flops, traffic / 1e9, 100 * traffic / bytes);
      }
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
