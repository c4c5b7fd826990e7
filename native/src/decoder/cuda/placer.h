// Places arrays in a block of memory, each at a multiple of 256 bytes; without memory it only measures.
#pragma once

#include <cstddef>

namespace unsam::cuda {

struct Placer {
  static constexpr std::size_t kAlignment = 256;

  char* base;
  std::size_t size = 0, arrays = 0;

  template <typename T>
  T* take(std::size_t n) {
    const std::size_t at = size;
    ++arrays;
    size += (n * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return base == nullptr ? nullptr : reinterpret_cast<T*>(base + at);
  }
  char* bytes(std::size_t n) { return take<char>(n); }
};

}  // namespace unsam::cuda
