// Sums of all values before each one: sums of blocks of 2048, a scan of those by one block, then the blocks once more.
#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kThreads = 256, kEach = 8, kBlock = kThreads * kEach;

// The sum over the threads before this one; `total`: over all. For blocks of kThreads.
__device__ __forceinline__ std::uint32_t sum_before(std::uint32_t value, std::uint32_t& total) {
  __shared__ std::uint32_t warps[kThreads / 32];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  std::uint32_t sum = value;
  for (unsigned lanes = 1; lanes < 32; lanes *= 2) {
    const std::uint32_t other = __shfl_up_sync(kFullWarp, sum, lanes);
    if (lane >= lanes) sum += other;
  }
  __syncthreads();  // the last call's readers are done
  if (lane == 31) warps[warp] = sum;
  __syncthreads();
  std::uint32_t before = sum - value;
  total = 0;
  for (unsigned w = 0; w < kThreads / 32; ++w) {
    if (w < warp) before += warps[w];
    total += warps[w];
  }
  return before;
}

__global__ void __launch_bounds__(kThreads)
    block_sums_kernel(const std::uint32_t* __restrict__ values, std::size_t n, std::uint32_t* __restrict__ sums) {
  std::uint32_t sum = 0, total;
  for (unsigned i = 0; i < kEach; ++i) {
    const std::size_t at = std::size_t{blockIdx.x} * kBlock + i * kThreads + threadIdx.x;
    if (at < n) sum += values[at];
  }
  sum_before(sum, total);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

__global__ void __launch_bounds__(kThreads) scan_sums_kernel(std::uint32_t* sums, std::uint32_t blocks) {
  std::uint32_t carried = 0, total;
  for (std::uint32_t first = 0; first < blocks; first += kThreads) {
    const std::uint32_t at = first + threadIdx.x;
    const std::uint32_t before = sum_before(at < blocks ? sums[at] : 0, total);
    if (at < blocks) sums[at] = carried + before;
    carried += total;
  }
}

__global__ void __launch_bounds__(kThreads)
    scan_blocks_kernel(std::uint32_t* values, std::size_t n, const std::uint32_t* __restrict__ sums) {
  const std::size_t first = std::size_t{blockIdx.x} * kBlock + std::size_t{threadIdx.x} * kEach;
  std::uint32_t mine[kEach], sum = 0, total;
  for (unsigned i = 0; i < kEach; ++i) {
    mine[i] = first + i < n ? values[first + i] : 0;
    sum += mine[i];
  }
  std::uint32_t before = sums[blockIdx.x] + sum_before(sum, total);
  for (unsigned i = 0; i < kEach; ++i) {
    if (first + i < n) values[first + i] = before;
    before += mine[i];
  }
}

}  // namespace

namespace kernels {

std::size_t scan_scratch(std::size_t n) { return (n + kBlock - 1) / kBlock; }

void exclusive_scan(std::uint32_t* values, std::size_t n, std::uint32_t* sums, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(scan_scratch(n));
  launch("scan block_sums", block_sums_kernel, blocks, kThreads, 0, stream, values, n, sums);
  launch("scan scan_sums", scan_sums_kernel, 1, kThreads, 0, stream, sums, blocks);
  launch("scan scan_blocks", scan_blocks_kernel, blocks, kThreads, 0, stream, values, n, sums);
}

}  // namespace kernels
}  // namespace unsam::cuda
