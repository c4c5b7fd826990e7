// Iterative merging of patch features for pseudo-labels. The native version of core/src/patch-merge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unsam/error.h"
#include "unsam/parallel.h"

namespace unsam {

// Patch i is node i; merge m makes node count + m.
struct PatchMerges {
  std::vector<std::int32_t> children;  // [count - 1, 2] the two nodes joined, the lower number first
  std::vector<double> similarity;      // [count - 1] mean cosine between the patches of the two
};

// Always the two 4-neighbouring regions whose patches are most similar on average, until one is left. `data`:
// [height, width, channels], any length per patch. Throws Error(bad_prompt) for wrong shapes and features not finite.
PatchMerges merge_patches(std::span<const float> data, std::size_t height, std::size_t width, std::size_t channels,
                          const ParallelFor& parallel);

}  // namespace unsam
