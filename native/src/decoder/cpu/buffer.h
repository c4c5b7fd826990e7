#pragma once

#include <cstddef>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace unsam {

// Memory aligned to a cache line; large buffers ask for huge pages, since they are streamed through and would else miss
// the TLB once per 16 rows of a block. `reserve` keeps what is there only when it need not grow.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t n) { reserve(n); }
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  void reserve(std::size_t n) {
    if (n <= capacity_) return;
    release();
    const std::size_t bytes = n * sizeof(T);
    data_ = static_cast<T*>(::operator new(bytes, alignment(bytes)));
    capacity_ = n;
#if defined(__linux__)
    if (bytes >= kLarge) madvise(data_, bytes, MADV_HUGEPAGE);  // a hint; failure changes nothing
#endif
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{1} << 21, kLarge = 2 * kHugePage;
  static constexpr std::align_val_t alignment(std::size_t bytes) { return std::align_val_t{bytes >= kLarge ? kHugePage : 64}; }
  void release() {
    if (data_ != nullptr) ::operator delete(data_, alignment(capacity_ * sizeof(T)));
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace unsam
