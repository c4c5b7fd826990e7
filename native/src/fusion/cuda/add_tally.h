// Adding what the lanes of a warp have counted to a mask's tally.
#pragma once

#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"

namespace unsam::cuda {

// Counts the bits of word `column` of row y.
__device__ __forceinline__ void count_word(Tally& tally, std::uint32_t word, std::uint32_t column, std::uint32_t y,
                                           const MaskShape& shape) {
  if (word == 0) return;
  const std::uint32_t x0 = 32 * column + static_cast<std::uint32_t>(__ffs(static_cast<int>(word)) - 1);
  const std::uint32_t x1 = 32 * column + 31 - static_cast<std::uint32_t>(__clz(static_cast<int>(word)));
  tally.area += static_cast<std::uint32_t>(__popc(word));
  tally.left = max(tally.left, shape.width - x0);
  tally.top = max(tally.top, shape.height - y);
  tally.right = max(tally.right, x1 + 1);
  tally.bottom = max(tally.bottom, y + 1);
}

// All lanes of the warp come here.
__device__ __forceinline__ void add_tally(const Tally& mine, Tally* total, unsigned lane) {
  const std::uint32_t area = __reduce_add_sync(kFullWarp, mine.area), low = __reduce_add_sync(kFullWarp, mine.low);
  const std::uint32_t high = __reduce_add_sync(kFullWarp, mine.high), left = __reduce_max_sync(kFullWarp, mine.left);
  const std::uint32_t top = __reduce_max_sync(kFullWarp, mine.top), right = __reduce_max_sync(kFullWarp, mine.right);
  const std::uint32_t bottom = __reduce_max_sync(kFullWarp, mine.bottom);
  if (lane != 0) return;
  if (low != 0) atomicAdd(&total->low, low);
  if (high != 0) atomicAdd(&total->high, high);
  if (area == 0) return;
  atomicAdd(&total->area, area);
  atomicMax(&total->left, left);
  atomicMax(&total->top, top);
  atomicMax(&total->right, right);
  atomicMax(&total->bottom, bottom);
}

}  // namespace unsam::cuda
