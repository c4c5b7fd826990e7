// Parents from the matrix of who holds whom: no sorting, a warp looks for the least of the larger ones. What follows of the
// forest (levels, painting order) is linear in the masks and sequential, and done on the host.
#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kWarps = 4;

// The order by size of src/fusion/cpu/forest.cpp.
__device__ __forceinline__ bool smaller(std::int32_t a, std::int32_t b, const Tally* tallies, const double* scores) {
  if (tallies[a].area != tallies[b].area) return tallies[a].area < tallies[b].area;
  if (scores[a] != scores[b]) return scores[a] < scores[b];
  return a > b;
}

__global__ void __launch_bounds__(32 * kWarps)
    parents_kernel(const std::uint32_t* __restrict__ holds, const Tally* __restrict__ tallies,
                   const double* __restrict__ scores, const std::uint32_t* __restrict__ stays, std::uint32_t count,
                   std::int32_t* __restrict__ parents) {
  const unsigned lane = threadIdx.x % 32;
  const std::uint32_t i = blockIdx.x * kWarps + threadIdx.x / 32, words = (count + 31) / 32;
  if (i >= count) return;  // the whole warp
  const auto self = static_cast<std::int32_t>(i);
  const bool asks = (stays[i / 32] >> (i % 32) & 1u) && tallies[i].area != 0;
  std::int32_t best = -1;
  for (std::uint32_t w = lane; asks && w < words; w += 32) {
    for (std::uint32_t bits = holds[std::size_t{i} * words + w] & stays[w]; bits != 0; bits &= bits - 1) {
      const auto j = static_cast<std::int32_t>(32 * w) + __ffs(static_cast<int>(bits)) - 1;
      if (smaller(self, j, tallies, scores) && (best < 0 || smaller(j, best, tallies, scores))) best = j;
    }
  }
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const std::int32_t other = __shfl_xor_sync(kFullWarp, best, lanes);
    if (other >= 0 && (best < 0 || smaller(other, best, tallies, scores))) best = other;
  }
  if (lane == 0) parents[i] = best;
}

}  // namespace

namespace kernels {

void find_parents(const std::uint32_t* holds, const Tally* tallies, const double* scores, const std::uint32_t* stays,
                  std::size_t count, std::int32_t* parents, cudaStream_t stream) {
  launch("find_parents", parents_kernel, static_cast<unsigned>((count + kWarps - 1) / kWarps), 32 * kWarps, 0, stream,
         holds, tallies, scores, stays, count, parents);
}

}  // namespace kernels
}  // namespace unsam::cuda
