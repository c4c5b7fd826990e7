// From decoded pixels to the network's input.
#pragma once

#include <cstddef>

#include "parallel/thread_team.h"
#include "unsam/encoder.h"

namespace unsam::encoder {

// RGB / 255, resized to side x side bilinearly with antialiasing, normalised: out [3][side][side]. The arithmetic of
// packages/core/src/image/resize.ts, bit for bit.
void network_input(const PhotoView& photo, std::size_t side, ThreadTeam& team, float* out);

}  // namespace unsam::encoder
