#include "fusion/cpu/kernels/table.h"

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
    .blur_row = blur_row,
    .scale_row = scale_row,
    .add_row_pair = add_row_pair,
    .running_mean_row = running_mean_row,
    .add_chi_square = add_chi_square,
    .dot4 = dot4,
    .subtract_scaled = subtract_scaled,
};

}  // namespace unsam::UNSAM_ISA
