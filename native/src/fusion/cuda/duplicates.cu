// The greedy pass over a matrix of strikes, by one block. 32 masks at a time: one warp settles them among each other,
// skipping those that strike none of the 32; then each warp takes one of those that stay and strikes out its row.
// 1000 masks are 32 rounds of one dependent read and three barriers, about 1.5 us each.
#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kThreads = 1024;
constexpr unsigned kMaxWords = 16384 / 32;  // kMaxMasks

__global__ void __launch_bounds__(kThreads)
    greedy_kernel(const std::uint32_t* __restrict__ strikes, std::uint32_t count, const Tally* __restrict__ tallies,
                  double min_area, std::uint32_t* __restrict__ stays) {
  __shared__ std::uint32_t struck[kMaxWords];
  __shared__ std::uint32_t alive;
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::uint32_t words = (count + 31) / 32;
  for (std::uint32_t w = threadIdx.x; w < words; w += kThreads) {
    std::uint32_t gone = 0;
    for (unsigned b = 0; b < 32; ++b) {
      const std::uint32_t k = 32 * w + b;
      const bool goes = k >= count || (tallies != nullptr && static_cast<double>(tallies[k].area) < min_area);
      gone |= static_cast<std::uint32_t>(goes) << b;
    }
    struck[w] = gone;
  }
  __syncthreads();
  for (std::uint32_t group = 0; group < words; ++group) {
    if (warp == 0) {
      const std::uint32_t k = 32 * group + lane;
      std::uint32_t row = k < count ? strikes[std::size_t{k} * words + group] : 0;
      row &= lane == 31 ? 0 : 0xffffffffu << (lane + 1);  // only those behind
      std::uint32_t live = ~struck[group];
      for (std::uint32_t busy = __ballot_sync(kFullWarp, row != 0); busy != 0; busy &= busy - 1) {
        const int b = __ffs(static_cast<int>(busy)) - 1;
        const std::uint32_t found = __shfl_sync(kFullWarp, row, b);
        if (live >> b & 1u) live &= ~found;
      }
      if (lane == 0) {
        alive = live;
        stays[group] = live;
      }
    }
    __syncthreads();
    if (alive >> warp & 1u) {
      const std::uint32_t* row = strikes + (std::size_t{32} * group + warp) * words;
      for (std::uint32_t w = group + 1 + lane; w < words; w += 32) {
        const std::uint32_t found = row[w];
        if (found != 0) atomicOr(&struck[w], found);
      }
    }
    __syncthreads();
  }
}

}  // namespace

namespace kernels {

void greedy_pass(const std::uint32_t* strikes, std::size_t count, const Tally* tallies, double min_area,
                 std::uint32_t* stays, cudaStream_t stream) {
  launch("greedy_pass", greedy_kernel, 1, kThreads, 0, stream, strikes, count, tallies, min_area, stays);
}

}  // namespace kernels
}  // namespace unsam::cuda
