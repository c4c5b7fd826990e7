// Which instruction set the kernels use, decided once at run time.
#pragma once

#include "cpu/kernels.h"

namespace unsam {

// The best table this CPU can run. The environment variable UNSAM_ISA (portable, avx2, avx512, avx512bf16, amx) asks for
// another one; an unknown name or one this CPU lacks throws Error(bad_option).
const Kernels& kernels();

// The table of that name, or null when this build or this CPU does not have it.
const Kernels* kernels_named(const char* name);

}  // namespace unsam
