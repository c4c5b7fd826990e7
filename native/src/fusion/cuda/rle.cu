// Where COCO's runs begin: pixels that differ from the one before in column-major order. A lane goes down one column; its warp
// reads each word once for 32 columns. Only these places cross the bus, some kilobytes a mask instead of 128 at 1024 x 1024;
// the host makes lengths of them while it copies them into the caller's vectors.
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kWarps = 8, kThreads = 256;

__global__ void __launch_bounds__(32 * kWarps)
    changes_kernel(const std::uint32_t* __restrict__ masks, const Tally* __restrict__ tallies, MaskShape shape,
                   std::uint32_t* __restrict__ columns, std::uint32_t* __restrict__ places) {
  const unsigned lane = threadIdx.x % 32;
  const std::uint32_t column = blockIdx.x * kWarps + threadIdx.x / 32, x = 32 * column + lane;
  const std::size_t k = blockIdx.y;
  if (column >= shape.stride || x >= shape.width) return;  // no lane meets another below
  const std::uint32_t* mask = masks + k * shape.stride * shape.height;
  const auto bit = [&](std::uint32_t px, std::uint32_t y) {
    return mask[std::size_t{y} * shape.stride + px / 32] >> (px % 32) & 1u;
  };
  std::uint32_t* own = columns + k * shape.width + x;
  std::uint32_t found = places == nullptr ? 0 : *own;
  const auto note = [&](std::uint32_t y) {
    if (places != nullptr) places[found] = x * shape.height + y;
    ++found;
  };
  // Above the first row of the box and below the one after the last, a pixel is like the one above it.
  std::uint32_t before = bit(x, 0);
  if (before != (x == 0 ? 0 : bit(x - 1, shape.height - 1))) note(0);
  const Tally tally = tallies[k];
  const std::uint32_t first = max(1u, shape.height - tally.top), end = min(shape.height, tally.bottom + 1);
  for (std::uint32_t y = first; y < end; ++y) {
    const std::uint32_t now = mask[std::size_t{y} * shape.stride + column] >> lane & 1u;
    if (now != before) note(y);
    before = now;
  }
  if (places == nullptr) *own = found;
}

__global__ void __launch_bounds__(kThreads)
    first_columns_kernel(const std::uint32_t* __restrict__ columns, std::size_t count, std::uint32_t width,
                         std::uint32_t* __restrict__ firsts) {
  const std::size_t k = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (k <= count) firsts[k] = columns[k * width];
}

}  // namespace

namespace kernels {

void column_changes(const std::uint32_t* masks, const Tally* tallies, std::size_t count, MaskShape shape,
                    std::uint32_t* columns, std::uint32_t* places, cudaStream_t stream) {
  launch("column_changes", changes_kernel, dim3((shape.stride + kWarps - 1) / kWarps, static_cast<unsigned>(count)),
         32 * kWarps, 0, stream, masks, tallies, shape, columns, places);
}

void first_columns(const std::uint32_t* columns, std::size_t count, std::uint32_t width, std::uint32_t* firsts,
                   cudaStream_t stream) {
  launch("first_columns", first_columns_kernel, static_cast<unsigned>(count / kThreads + 1), kThreads, 0, stream, columns,
         count, width, firsts);
}

}  // namespace kernels
}  // namespace unsam::cuda
