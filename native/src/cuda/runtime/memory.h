// Device memory from a pool with a limit, and pinned host memory.
//
// The pool knows nothing of streams: whoever gives memory back must have waited for the work on it. Calls do, since they
// end with a synchronisation of their stream.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "cuda/runtime/device.h"

namespace unsam::cuda {

class MemoryPool {
 public:
  // limit: bytes handed out and kept together, 0 for none; keep: bytes of returned memory kept for the next taker.
  MemoryPool(int device, std::size_t limit, std::size_t keep) : device_(device), limit_(limit), keep_(keep) {}
  ~MemoryPool() { trim(); }
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // Throws Error(out_of_memory) where the limit or the device is exhausted, after giving up all kept memory; the pool
  // stays usable.
  void* take(std::size_t bytes);
  void give(void* memory, std::size_t bytes) noexcept;
  // Returns the kept memory to the device.
  void trim() noexcept;

  int device() const noexcept { return device_; }
  std::size_t bytes_in_use() const;

 private:
  void trim_locked() noexcept;
  void free(void* memory) const noexcept;
  std::size_t rounded(std::size_t bytes) const noexcept;

  const int device_;
  const std::size_t limit_, keep_;
  mutable std::mutex mutex_;
  std::multimap<std::size_t, void*> kept_;  // by size
  std::size_t kept_bytes_ = 0, used_bytes_ = 0;
};

// Device memory for n values; not initialised.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(std::shared_ptr<MemoryPool> pool, std::size_t n)
      : pool_(std::move(pool)), data_(static_cast<T*>(pool_->take(n * sizeof(T)))), size_(n) {}
  ~DeviceArray() {
    if (data_ != nullptr) pool_->give(data_, size_ * sizeof(T));
  }
  DeviceArray(DeviceArray&& other) noexcept
      : pool_(std::move(other.pool_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::shared_ptr<MemoryPool> pool_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

void* take_pinned(std::size_t bytes);
void give_pinned(void* memory) noexcept;

// Page-locked host memory, which transfers read and write without a copy in between. It moves as DeviceArray does, and both say so:
// what they own and how it goes back differs.
template <typename T>
class PinnedArray {
 public:
  PinnedArray() = default;
  explicit PinnedArray(std::size_t n) : data_(static_cast<T*>(take_pinned(n * sizeof(T)))), size_(n) {}
  ~PinnedArray() {
    if (data_ != nullptr) give_pinned(data_);
  }
  PinnedArray(PinnedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedArray& operator=(PinnedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace unsam::cuda
