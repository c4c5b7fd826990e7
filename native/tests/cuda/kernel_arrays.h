// Inputs and outputs of single decoder kernels: each array is a device allocation of exactly its size, and the numbers on the
// host are those that the device reads, so that a reference in double starts from the same values.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "decoder/cuda/call.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "cuda_test.h"
#include "decoder/cpu/bfloat16.h"

namespace unsam::cuda {

enum class Format { float32, bfloat16, half };
// How attention and the prompt's matrices are kept, and how an image's products are.
inline Format element_format(bool bf16) { return bf16 ? Format::bfloat16 : Format::float32; }
inline Format product_format(bool bf16) { return bf16 ? Format::half : Format::float32; }

inline float of_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// Random numbers with eight bits of mantissa, not too small for half: the same in all three formats.
inline std::vector<float> rounded_normal(test::Random& random, std::size_t n, float scale) {
  std::vector<float> v = test::normal(random, n, scale);
  for (float& x : v) x = std::abs(x) < 1e-3f ? 0.0f : of_bits(std::bit_cast<std::uint32_t>(x) & 0xffff0000u);
  return v;
}

// The 16-bit parts of SplitPairs (call.h): of two numbers both high ones, then both low ones.
inline std::vector<std::uint16_t> split_parts(const std::vector<float>& from) {
  std::vector<std::uint16_t> parts(2 * from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t at = i / 2 * 4 + i % 2;
    parts[at] = to_bfloat16(from[i]);
    parts[at + 2] = to_bfloat16(from[i] - of_bits(std::uint32_t{parts[at]} << 16));
  }
  return parts;
}

class KernelArrays {
 public:
  // `seed` orders the threads of the emulated device.
  explicit KernelArrays(std::uint64_t seed) {
#if defined(UNSAM_EMULATED_DEVICE)
    emulated::set_seed(seed);
#else
    (void)seed;
#endif
  }

  cudaStream_t get() const { return stream_.get(); }

  template <typename T>
  T* upload(std::span<const T> from) {
    const PinnedArray<char> host(from.size_bytes());
    std::memcpy(host.data(), from.data(), from.size_bytes());
    char* to = memory(from.size_bytes());
    copy_to_device(to, host.data(), from.size_bytes(), stream_.get());
    stream_.synchronize();
    return reinterpret_cast<T*>(to);
  }
  float* upload(const std::vector<float>& from) { return upload(std::span(from)); }
  // `from` must be representable (rounded_normal).
  void* upload(const std::vector<float>& from, Format format) {
    if (format == Format::float32) return upload(from);
    std::vector<std::uint16_t> narrow(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) narrow[i] = format == Format::bfloat16 ? to_bfloat16(from[i]) : to_half(from[i]);
    return upload(std::span<const std::uint16_t>(narrow));
  }
  SplitPair* upload_split(const std::vector<float>& from) {
    const std::vector<std::uint16_t> parts = split_parts(from);
    return reinterpret_cast<SplitPair*>(upload(std::span(parts)));
  }
  // An output full of NaN, whatever its format.
  void* poisoned(std::size_t n, Format format) { return upload(std::span<const char>(std::vector<char>(n * bytes(format), '\xff'))); }
  float* poisoned(std::size_t n) { return static_cast<float*>(poisoned(n, Format::float32)); }

  std::vector<float> fetch(const void* from, std::size_t n, Format format = Format::float32) {
    const std::size_t size = n * bytes(format);
    const PinnedArray<char> host(size);
    copy_to_host(host.data(), from, size, stream_.get());
    stream_.synchronize();
    std::vector<float> values(n);
    for (std::size_t i = 0; i < n; ++i) {
      std::uint16_t narrow = 0;
      if (format == Format::float32) {
        std::memcpy(&values[i], host.data() + 4 * i, 4);
        continue;
      }
      std::memcpy(&narrow, host.data() + 2 * i, 2);
      values[i] = format == Format::bfloat16 ? of_bits(std::uint32_t{narrow} << 16) : from_half(narrow);
    }
    return values;
  }

 private:
  static std::size_t bytes(Format format) { return format == Format::float32 ? 4 : 2; }
  // Normal numbers and zero only.
  static std::uint16_t to_half(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & 0x7fffffffu;
    return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) | (magnitude == 0 ? 0u : (magnitude - (112u << 23)) >> 13));
  }
  static float from_half(std::uint16_t half) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const float size = exponent == 31  ? of_bits(mantissa == 0 ? 0x7f800000u : 0x7fc00000u)
                       : exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                       : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    return (half & 0x8000) != 0 ? -size : size;
  }
  char* memory(std::size_t size) { return arrays_.emplace_back(pool_, size).data(); }

  const std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>(0, 0, 0);
  std::vector<DeviceArray<char>> arrays_;
  const Stream stream_;
};

// |got - want| / |want|, with NaN wherever `got` has one.
class Difference {
 public:
  void add(double got, double want) {
    difference_ += (got - want) * (got - want);
    size_ += want * want;
  }
  double relative() const { return size_ == 0 ? std::sqrt(difference_) : std::sqrt(difference_ / size_); }

 private:
  double difference_ = 0, size_ = 0;
};

}  // namespace unsam::cuda
