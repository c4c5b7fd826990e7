// The kernels of a bfloat16 decoder in plain loops, which run on any processor: they show that the decoder uses its 16-bit
// formats as they are documented (cpu/kernels.h). The kernels of the processors that have the instructions are tested against
// double arithmetic on those.
#pragma once

#include "cpu/kernels.h"

namespace reference {

const unsam::Bfloat16Kernels& bfloat16_kernels();

}  // namespace reference
