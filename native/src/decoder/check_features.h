#pragma once

#include "unsam/decoder.h"

namespace unsam {

// Throws Error(bad_features) when a length does not fit `side`, or the side is impossible.
void check_features(const ImageFeatures& features);

}  // namespace unsam
