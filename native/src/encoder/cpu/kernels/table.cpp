#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {

#define UNSAM_STRING_(x) #x
#define UNSAM_STRING(x) UNSAM_STRING_(x)

extern const unsam::encoder::Kernels encoder_table;
const unsam::encoder::Kernels encoder_table = {
    .name = UNSAM_STRING(UNSAM_ISA),
    .float32 =
        {
            .panel = encoder::kPanel,
            .column_step = kWidth,
            .depth_step = 1,
            .product = encoder::product,
            .softmax = encoder::softmax,
            .normalise = encoder::normalise,
            .convert = encoder::convert,
            .pack_columns = encoder::pack_columns,
            .pack_rows = encoder::pack_rows,
        },
    .bfloat16 =
        {
            .panel = encoder::kHalfPanel,
            .column_step = encoder::kHalfStep,
            .depth_step = 2,
            .product = encoder::product_half,
            .softmax = encoder::softmax_half,
            .normalise = encoder::normalise_half,
            .convert = encoder::convert_half,
            .pack_columns = encoder::pack_columns_half,
            .pack_rows = encoder::pack_rows_half,
        },
    .convolve = encoder::convolve,
    .winograd_input = encoder::winograd_input,
    .winograd_output = encoder::winograd_output,
    .depthwise = encoder::depthwise,
    .normalise_gelu = encoder::normalise_gelu,
    .sigmoid = encoder::sigmoid,
    .pool = encoder::pool,
    .transpose = encoder::transpose,
};

}  // namespace unsam::UNSAM_ISA
