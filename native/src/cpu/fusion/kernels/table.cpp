#include "cpu/fusion/kernels/table.h"

namespace unsam::UNSAM_ISA {

#define UNSAM_STRING_(x) #x
#define UNSAM_STRING(x) UNSAM_STRING_(x)

extern const FusionKernels fusion_table;
const FusionKernels fusion_table = {
    .name = UNSAM_STRING(UNSAM_ISA),
    .threshold_row = threshold_row,
    .classify_row = classify_row,
    .common_bits = common_bits,
    .stretch_row = stretch_row,
    .blend_rows = blend_rows,
    .dot8 = dot8,
};

}  // namespace unsam::UNSAM_ISA
