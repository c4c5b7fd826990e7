// Who is painted last at each pixel. A warp has one word of pixels; its lanes read that word of 32 masks at once, from the
// last painted backwards, and it stops when all 32 pixels are taken. 1000 masks of 256 x 256: at most 8 MB from memory, eight
// neighbouring words of a mask being read together by a block.
#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kWarps = 8, kThreads = 256;

__global__ void __launch_bounds__(32 * kWarps)
    finest_kernel(const std::uint32_t* __restrict__ masks, const std::int32_t* __restrict__ painting, std::uint32_t count,
                  MaskShape shape, std::int32_t* __restrict__ labels) {
  const unsigned lane = threadIdx.x % 32;
  const std::uint32_t word = blockIdx.x * kWarps + threadIdx.x / 32, words = shape.stride * shape.height;
  if (word >= words) return;  // the whole warp
  const std::uint32_t y = word / shape.stride, x = word % shape.stride * 32 + lane;
  std::uint32_t free = __ballot_sync(kFullWarp, x < shape.width);
  std::int32_t label = 0;
  for (std::uint32_t done = 0; done < count && free != 0; done += 32) {
    const std::int32_t region = done + lane < count ? painting[count - 1 - done - lane] : -1;
    const std::uint32_t mine = region >= 0 ? masks[static_cast<std::size_t>(region) * words + word] : 0;
    for (std::uint32_t hits = __ballot_sync(kFullWarp, (mine & free) != 0); hits != 0; hits &= hits - 1) {
      const int source = __ffs(static_cast<int>(hits)) - 1;
      const std::uint32_t taken = __shfl_sync(kFullWarp, mine, source) & free;
      const std::int32_t painter = __shfl_sync(kFullWarp, region, source);
      if (taken >> lane & 1u) label = painter + 1;
      free &= ~taken;
    }
  }
  if (x < shape.width) labels[std::size_t{y} * shape.width + x] = label;
}

__global__ void __launch_bounds__(kThreads)
    replace_kernel(const std::int32_t* __restrict__ finest, const std::int32_t* __restrict__ owners, std::size_t pixels,
                   std::int32_t* __restrict__ labels) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < pixels) labels[i] = owners[finest[i]];
}

__global__ void __launch_bounds__(kThreads)
    gather_kernel(const std::uint32_t* __restrict__ masks, const std::int32_t* __restrict__ chosen, std::size_t words,
                  std::uint32_t* __restrict__ gathered) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x, k = blockIdx.y;
  if (i < words) gathered[k * words + i] = masks[static_cast<std::size_t>(chosen[k]) * words + i];
}

unsigned blocks_of(std::size_t n) { return static_cast<unsigned>((n + kThreads - 1) / kThreads); }

}  // namespace

namespace kernels {

void gather_masks(const std::uint32_t* masks, const std::int32_t* chosen, std::size_t count, MaskShape shape,
                  std::uint32_t* gathered, cudaStream_t stream) {
  launch("gather_masks", gather_kernel, dim3(blocks_of(shape.words()), static_cast<unsigned>(count)), kThreads, 0, stream,
         masks, chosen, shape.words(), gathered);
}

void finest_labels(const std::uint32_t* masks, const std::int32_t* painting, std::size_t count, MaskShape shape,
                   std::int32_t* labels, cudaStream_t stream) {
  launch("finest_labels", finest_kernel, static_cast<unsigned>((shape.words() + kWarps - 1) / kWarps), 32 * kWarps, 0,
         stream, masks, painting, count, shape, labels);
}

void replace_labels(const std::int32_t* finest, const std::int32_t* owners, std::size_t pixels, std::int32_t* labels,
                    cudaStream_t stream) {
  launch("replace_labels", replace_kernel, blocks_of(pixels), kThreads, 0, stream, finest, owners, pixels, labels);
}

}  // namespace kernels
}  // namespace unsam::cuda
