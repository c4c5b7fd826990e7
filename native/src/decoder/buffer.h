#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace unsam {

// Memory aligned to a cache line. `reserve` keeps what is there only when it need not grow.
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
    data_ = static_cast<T*>(::operator new(n * sizeof(T), kAlignment));
    capacity_ = n;
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  void release() {
    ::operator delete(data_, kAlignment);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace unsam
