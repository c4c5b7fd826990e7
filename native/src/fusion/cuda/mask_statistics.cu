// One pass over the logits. A warp makes 32 words at a time: lane l looks at pixel l of each word and keeps word l. 1000
// maps of 256 x 256 are 262 MB read and 8 MB written; about ten instructions a word of 128 bytes leave memory as the limit.
#include "fusion/cuda/add_tally.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kWarps = 8, kRounds = 4;  // 32 words each
constexpr unsigned kLoads = 8;               // in flight per lane

__global__ void __launch_bounds__(32 * kWarps)
    mask_statistics_kernel(const float* __restrict__ logits, const std::int32_t* __restrict__ order, MaskShape shape,
                           float low, float middle, float high, std::uint32_t* __restrict__ masks,
                           Tally* __restrict__ tallies) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::size_t k = blockIdx.y, map = order == nullptr ? k : static_cast<std::size_t>(order[k]);
  const float* x = logits + map * shape.height * shape.width;
  const std::uint32_t words = shape.stride * shape.height;
  Tally tally = {0, 0, 0, 0, 0, 0, 0, 0};
  for (unsigned round = 0; round < kRounds; ++round) {
    const std::uint32_t first = 32 * ((blockIdx.x * kWarps + warp) * kRounds + round);
    if (first >= words) break;  // the same for all lanes
    std::uint32_t y = first / shape.stride, column = first % shape.stride, mine = 0;
    for (unsigned n = 0; n < 32; n += kLoads) {
      float value[kLoads];
      for (unsigned i = 0; i < kLoads; ++i) {
        const std::uint32_t at = 32 * column + lane;
        // What is not there is NaN, which no comparison holds for.
        value[i] = y < shape.height && at < shape.width ? __ldcs(x + std::size_t{y} * shape.width + at)
                                                        : __int_as_float(0x7fffffff);
        if (++column == shape.stride) {
          column = 0;
          ++y;
        }
      }
      for (unsigned i = 0; i < kLoads; ++i) {
        const std::uint32_t word = __ballot_sync(kFullWarp, value[i] > middle);
        tally.low += value[i] > low;
        tally.high += value[i] > high;
        if (lane == n + i) mine = word;
      }
    }
    const std::uint32_t own = first + lane;
    if (own < words) {
      masks[k * words + own] = mine;
      count_word(tally, mine, own % shape.stride, own / shape.stride, shape);
    }
  }
  add_tally(tally, tallies + k, lane);
}

}  // namespace

namespace kernels {

void mask_statistics(const float* logits, const std::int32_t* order, std::size_t count, MaskShape shape, float low,
                     float middle, float high, std::uint32_t* masks, Tally* tallies, cudaStream_t stream) {
  constexpr std::size_t kPerBlock = 32 * kWarps * kRounds;
  const auto blocks = static_cast<unsigned>((shape.words() + kPerBlock - 1) / kPerBlock);
  launch("mask_statistics", mask_statistics_kernel, dim3(blocks, static_cast<unsigned>(count)), 32 * kWarps, 0, stream,
         logits, order, shape, low, middle, high, masks, tallies);
}

}  // namespace kernels
}  // namespace unsam::cuda
