// Declarations shared by the fusion kernel files of one instruction set.
#pragma once

#include "fusion/cpu/kernels.h"

namespace unsam::UNSAM_ISA {

void threshold_row(const float* x, std::size_t n, float low, float threshold, float high, std::uint32_t* bits,
                   StabilityCounts* counts);
void classify_row(const float* x, std::size_t n, float low, float high, std::uint32_t* above, std::uint32_t* below);
std::uint64_t common_bits(const std::uint32_t* a, const std::uint32_t* b, std::size_t words);
void stretch_row(const float* row, const std::int32_t* before, const std::int32_t* after, const float* fraction,
                 std::size_t n, float* out);
void blend_rows(const float* upper, const float* lower, float fraction, const std::uint32_t* wanted, std::size_t words,
                double low, double threshold, double high, std::uint32_t* bits, StabilityCounts* counts);

double dot8(const float* a, const float* b, std::size_t n);
void blur_row(const float* padded, std::size_t n, const double* kernel, std::size_t radius, float* out);
void scale_row(const float* row, double factor, std::size_t n, float* out);
void add_row_pair(const float* a, const float* b, double factor, std::size_t n, float* out);
void running_mean_row(const float* enter, const float* leave, double scale, std::size_t n, double* sums, float* out);
void add_chi_square(const float* p, const float* q, std::size_t n, double* sum);
double dot4(const double* a, const double* b, std::size_t n);
void subtract_scaled(const double* a, double factor, std::size_t n, double* out);

}  // namespace unsam::UNSAM_ISA
