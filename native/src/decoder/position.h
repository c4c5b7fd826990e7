// Random-Fourier position encoding of SAM's prompt encoder and the Fourier features of the granularity.
#pragma once

#include <cstddef>

namespace unsam {

// out [256] = [sin | cos] of 2 pi (2 x - 1, 2 y - 1) G for x, y in [0, 1]; gaussian [2][128], row 0 multiplies x.
void encode_position(const float* gaussian, float x, float y, float* out);

// out [128]: sin(f_i g), cos(f_i g) interleaved, f_i = 100^(i / 64).
void granularity_features(float granularity, float* out);

}  // namespace unsam
