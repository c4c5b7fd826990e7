// Bilinear interpolation, threshold and packing. A warp goes down a strip of 32 columns: a lane's two columns of logits and
// their weights are the same for all rows, and the image rows between two rows of logits share four logits a lane. Where
// those are all surely above or all surely below, as for most of a mask, nothing is interpolated, and whole words cost a
// store. The rest is interpolated in float32; a value whose distance to a limit is within the error of that is computed again
// as the CPU does it, in float64, rounded to float32 after the horizontal step. So the bits are the CPU's, and the float64
// units, of which consumer devices have one for 64 of float32, are asked for some pixels in a million. 1000 maps of 256 x 256 to
// 1024 x 1024: 262 MB read, 131 MB written.
#include <algorithm>
#include <cmath>

#include "fusion/cuda/add_tally.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kColumns = 8;  // words, one a warp: 32 bytes, what memory writes at once
constexpr unsigned kRows = 32;    // of a band, one a lane in the end
constexpr unsigned kBands = 4;

struct Position {
  std::int32_t before;
  float fraction;
};

// As `Positions` of src/fusion/cpu/finish.cpp.
__device__ __forceinline__ Position position(std::uint32_t size, float scale, std::uint32_t i) {
  const float centre = static_cast<float>(__dmul_rn(scale, static_cast<double>(i) + 0.5));
  const float at = fmaxf(0.0f, static_cast<float>(static_cast<double>(centre) - 0.5));
  const auto last = static_cast<double>(size - 1);
  const auto whole = static_cast<double>(floorf(at));
  const double before = whole < last ? whole : last;
  const double fraction = __dsub_rn(at, before);
  return {static_cast<std::int32_t>(before), static_cast<float>(fraction < 1.0 ? fraction : 1.0)};
}

__device__ __forceinline__ double blend(float a, float b, double fraction) {
  return __dadd_rn(__dmul_rn(a, __dsub_rn(1.0, fraction)), __dmul_rn(b, fraction));
}

// The limits in float32, and the greatest of their absolute values.
struct NearLimits {
  float low, middle, high, most;
};

__device__ __forceinline__ float near_blend(float a, float b, float fraction) { return a * (1.0f - fraction) + b * fraction; }

// No value between these four is further than this from what float32 makes of it, the CPU's own rounding to float32 and that of
// the limit and its distance included. With m the largest absolute value of all: 1 - f, two products and a sum err by at most
// 2^-22 m, the same again in the second step, the rounding in between by 2^-24 m, the limit and the difference by 2^-22 m: less
// than 2^-20 m, and half of what is allowed here. Infinite where sums may overflow; NaN and infinity are never decided.
__device__ __forceinline__ float margin_of(float a, float b, float c, float d, float limit) {
  const float most = fmaxf(fmaxf(fmaxf(fabsf(a), fabsf(b)), fmaxf(fabsf(c), fabsf(d))), limit);
  return most < 1e30f ? most * 0x1p-19f + 1e-30f : INFINITY;
}

__device__ __forceinline__ bool far_from(const NearLimits& limits, float value, float margin) {
  return fabsf(value - limits.low) > margin && fabsf(value - limits.middle) > margin && fabsf(value - limits.high) > margin;
}

// As the CPU: float64, rounded to float32 in between.
__device__ __forceinline__ double exact(float a, float b, float c, float d, float across, float down) {
  return blend(static_cast<float>(blend(a, b, across)), static_cast<float>(blend(c, d, across)), down);
}

// Whether the pixel is set; counts what stability is made of.
template <class Limits, typename T>
__device__ __forceinline__ bool compare(const Limits& limits, T value, Tally& tally) {
  tally.low += value > limits.low;
  tally.high += value > limits.high;
  return value > limits.middle;
}

__global__ void __launch_bounds__(32 * kColumns)
    finish_kernel(const float* __restrict__ logits, std::uint32_t width, std::uint32_t height, float scale_x, float scale_y,
                  MaskShape shape, FinishLimits limits, NearLimits near, unsigned groups, std::uint32_t* __restrict__ masks,
                  Tally* __restrict__ tallies) {
  __shared__ std::uint32_t tile[kRows][kColumns + 1];
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::size_t k = blockIdx.y;
  const float* map = logits + k * height * width;
  std::uint32_t* mask = masks + k * shape.stride * shape.height;
  const std::uint32_t first_column = blockIdx.x % groups * kColumns, column = first_column + warp;
  const bool inside = column < shape.stride && 32 * column + lane < shape.width;
  const Position across = position(width, scale_x, inside ? 32 * column + lane : shape.width - 1);
  const std::uint32_t x0 = static_cast<std::uint32_t>(across.before), x1 = x0 + 1 < width ? x0 + 1 : x0;
  Tally tally = {0, 0, 0, 0, 0, 0, 0, 0};
  for (unsigned band = 0; band < kBands; ++band) {
    const std::uint32_t base = (blockIdx.x / groups * kBands + band) * kRows;
    if (base >= shape.height) break;  // the same for the block
    const std::uint32_t rows = min(kRows, shape.height - base);
    const Position down = position(height, scale_y, base + min(lane, rows - 1));
    std::uint32_t mine = 0, settled = 0, wanted = 0;
    std::int32_t current = -2;  // row of the upper logits
    float a = 0, b = 0, c = 0, d = 0, upper = 0, lower = 0, margin = 0;
    bool above = false, open = false;
    for (unsigned r = 0; r < rows; ++r) {
      const std::int32_t y0 = __shfl_sync(kFullWarp, down.before, static_cast<int>(r));
      const float fraction = __shfl_sync(kFullWarp, down.fraction, static_cast<int>(r));
      if (y0 != current) {
        const std::size_t row0 = static_cast<std::size_t>(y0) * width;
        const std::size_t row1 = static_cast<std::uint32_t>(y0) + 1 < height ? row0 + width : row0;
        if (y0 == current + 1) {
          a = c;
          b = d;
        } else {
          a = map[row0 + x0];
          b = map[row0 + x1];
        }
        c = map[row1 + x0];
        d = map[row1 + x1];
        current = y0;
        const float s = limits.surely_above, t = limits.surely_below;
        above = inside && a > s && b > s && c > s && d > s;
        open = inside && !above && !(a < t && b < t && c < t && d < t);
        settled = __ballot_sync(kFullWarp, above);
        wanted = __ballot_sync(kFullWarp, open);
        if (open) {
          upper = near_blend(a, b, across.fraction);
          lower = near_blend(c, d, across.fraction);
          margin = margin_of(a, b, c, d, near.most);
        }
      }
      std::uint32_t word = settled;
      tally.low += above;
      tally.high += above;
      if (wanted != 0) {
        bool set = false;
        if (open) {
          const float value = near_blend(upper, lower, fraction);
          set = far_from(near, value, margin) ? compare(near, value, tally)
                                              : compare(limits, exact(a, b, c, d, across.fraction, fraction), tally);
        }
        word |= __ballot_sync(kFullWarp, set);
      }
      if (lane == r) mine = word;
    }
    tile[lane][warp] = mine;
    count_word(tally, mine, column, base + lane, shape);
    __syncthreads();
    const unsigned row = threadIdx.x / kColumns, word = threadIdx.x % kColumns;
    if (row < rows && first_column + word < shape.stride) {
      mask[std::size_t{base + row} * shape.stride + first_column + word] = tile[row][word];
    }
    __syncthreads();
  }
  add_tally(tally, tallies + k, lane);
}

float scale_of(std::uint32_t size, std::uint32_t out_size) {
  return static_cast<float>(static_cast<double>(size) / static_cast<double>(out_size));
}

}  // namespace

namespace kernels {

void finish(const float* logits, std::size_t count, std::uint32_t width, std::uint32_t height, MaskShape shape,
            const FinishLimits& limits, std::uint32_t* masks, Tally* tallies, cudaStream_t stream) {
  const unsigned groups = (shape.stride + kColumns - 1) / kColumns;
  const unsigned bands = (shape.height + kRows * kBands - 1) / (kRows * kBands);
  NearLimits near{static_cast<float>(limits.low), static_cast<float>(limits.middle), static_cast<float>(limits.high), 0.0f};
  near.most = std::max({std::abs(near.low), std::abs(near.middle), std::abs(near.high)});
  launch("finish", finish_kernel, dim3(groups * bands, static_cast<unsigned>(count)), 32 * kColumns, 0, stream, logits,
         width, height, scale_of(width, shape.width), scale_of(height, shape.height), shape, limits, near, groups, masks, tallies);
}

}  // namespace kernels
}  // namespace unsam::cuda
