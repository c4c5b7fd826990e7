#pragma once

#include <cstddef>
#include <span>

#include "unsam/fusion.h"

namespace unsam {

// What fuse_logits checks beside the maps. Throws Error(bad_prompt, bad_option).
void check_fusion(std::size_t count, std::span<const double> scores, std::span<const double> granularities,
                  const FusionOptions& options);

}  // namespace unsam
