// The granularity step at which each pixel's edges to the right and below vanish: a thread a pixel; only where labels differ does it
// climb the forest.
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"
#include "unsam/fusion.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kThreads = 256;

// As merge_step of src/fusion/cpu/fused_map.cpp.
__device__ __forceinline__ std::uint16_t merge_step(std::int32_t a, std::int32_t b, const ForestView& forest) {
  if (a == b) return 0;
  if (a == 0 || b == 0) return kNever;
  std::int32_t u = a - 1, v = b - 1;
  while (u != v) {
    if (forest.rank[u] < forest.rank[v]) {
      const std::int32_t other = u;
      u = v;
      v = other;
    }
    u = forest.parent[u];
    if (u < 0) return kNever;
  }
  return forest.level[u];
}

__global__ void __launch_bounds__(kThreads)
    fused_map_kernel(const std::int32_t* __restrict__ finest, ForestView forest, std::uint32_t width, std::uint32_t height,
                     std::uint16_t* __restrict__ right, std::uint16_t* __restrict__ below) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= std::size_t{width} * height) return;
  const auto y = static_cast<std::uint32_t>(i / width), x = static_cast<std::uint32_t>(i % width);
  const std::int32_t label = finest[i];
  right[i] = x + 1 < width ? merge_step(label, finest[i + 1], forest) : 0;
  below[i] = y + 1 < height ? merge_step(label, finest[i + width], forest) : 0;
}

}  // namespace

namespace kernels {

void fuse_labels(const std::int32_t* finest, ForestView forest, std::uint32_t width, std::uint32_t height,
                 std::uint16_t* right, std::uint16_t* below, cudaStream_t stream) {
  const std::size_t pixels = std::size_t{width} * height;
  launch("fuse_labels", fused_map_kernel, static_cast<unsigned>((pixels + kThreads - 1) / kThreads), kThreads, 0, stream,
         finest, forest, width, height, right, below);
}

}  // namespace kernels
}  // namespace unsam::cuda
