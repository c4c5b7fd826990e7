#pragma once

#include <cstddef>
#include <cstdint>

#include "unsam/masks.h"

namespace unsam {

// Run lengths of a mask all of whose foreground lies within `box` (x0, y0, x1, y1, inclusive).
RunLengths encode_box_rle(const std::uint32_t* words, std::size_t width, std::size_t height,
                          const std::int32_t box[4]);

}  // namespace unsam
