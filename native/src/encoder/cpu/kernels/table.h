// Declarations shared by the encoder's kernel files of one instruction set, and its register tile.
#pragma once

#include "cpu/kernels/simd.h"
#include "encoder/cpu/kernels.h"

namespace unsam::UNSAM_ISA::encoder {

using unsam::encoder::Convolution;
using unsam::encoder::Depthwise;
using unsam::encoder::kPad;
using unsam::encoder::padded;
using unsam::encoder::Product;
using unsam::encoder::Softmax;
using unsam::encoder::WinogradInput;
using unsam::encoder::WinogradOutput;

// Sums of a product that stay in registers: kRows rows by kVectors vectors.
#if defined(__AVX512F__)
inline constexpr std::size_t kRows = 8, kVectors = 3;
#elif defined(__AVX2__)
inline constexpr std::size_t kRows = 6, kVectors = 2;
#elif defined(__aarch64__)
inline constexpr std::size_t kRows = 6, kVectors = 4;
#else
inline constexpr std::size_t kRows = 4, kVectors = 2;
#endif
inline constexpr std::size_t kPanel = kVectors * kWidth;

// Processors with the instruction multiply bfloat16 by the decoder's kernel, whose panels have kLanes columns.
#if defined(__AVX512BF16__)
inline constexpr std::size_t kHalfPanel = kLanes, kHalfStep = kLanes;
#else
inline constexpr std::size_t kHalfPanel = kPanel, kHalfStep = kWidth;
#endif

void product(const Product<float>& p);
void product_half(const Product<std::uint16_t>& p);
void convolve(const Convolution& v);
void depthwise(const Depthwise& v);
void normalise_gelu(std::size_t rows, std::size_t width, float* x, std::size_t ld, const float* gain, const float* offset, float eps);
void winograd_input(const WinogradInput& w);
void winograd_output(const WinogradOutput& w);
void sigmoid(std::size_t n, float* x);
void softmax(const Softmax<float>& s);
void softmax_half(const Softmax<std::uint16_t>& s);
void normalise(std::size_t rows, std::size_t width, const float* const* x, float eps, float* out, std::size_t ld);
void normalise_half(std::size_t rows, std::size_t width, const float* const* x, float eps, std::uint16_t* out,
                    std::size_t ld);
void convert(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale, float* out,
             std::size_t ld);
void convert_half(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, const float* scale,
                  std::uint16_t* out, std::size_t ld);
void pack_columns(std::size_t keys, std::size_t width, const float* const* x, float* panels);
void pack_columns_half(std::size_t keys, std::size_t width, const float* const* x, std::uint16_t* panels);
void pack_rows(std::size_t keys, std::size_t width, const float* const* x, std::size_t depth, std::size_t first,
               float* panels);
void pack_rows_half(std::size_t keys, std::size_t width, const float* const* x, std::size_t depth, std::size_t first,
                    std::uint16_t* panels);
void pool(std::size_t width, const float* const* four, float* out);
void transpose(std::size_t tokens, std::size_t width, const float* x, std::size_t ldx, float* out, std::size_t ldo);

// To bfloat16, to nearest even; NaN stays NaN. In the low half of each lane.
static inline IVec round_half(Vec x) {
  IVec bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const IVec odd = (bits >> 16) & 1;
  const IVec rounded = ((bits + 0x7fff + odd) >> 16) & 0xffff;
  const IVec quiet = ((bits >> 16) & 0xffff) | 0x40;
  return x == x ? rounded : quiet;
}

// kWidth numbers of 16 bits.
static inline void store_half(std::uint16_t* out, Vec x) {
  const IVec bits = round_half(x);
  typedef std::uint16_t Half __attribute__((vector_size(kWidth * 2)));
  typedef std::uint32_t UVec __attribute__((vector_size(kWidth * 4)));
  const Half narrow = __builtin_convertvector((UVec)bits, Half);
  __builtin_memcpy(out, &narrow, sizeof narrow);
}

static inline void put(float* out, Vec x) { store(out, x); }
static inline void put(std::uint16_t* out, Vec x) { store_half(out, x); }

}  // namespace unsam::UNSAM_ISA::encoder
