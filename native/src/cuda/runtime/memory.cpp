#include "cuda/runtime/memory.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

namespace unsam::cuda {

// With a memory of returned blocks, sizes are rounded up to an eighth of a power of two, so that similar requests share
// blocks; without one they are exact.
std::size_t MemoryPool::rounded(std::size_t bytes) const noexcept {
  if (bytes == 0) bytes = 1;
  if (keep_ == 0 || bytes > std::numeric_limits<std::size_t>::max() / 4) return bytes;
  const std::size_t step = std::max<std::size_t>(256, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

void* MemoryPool::take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(size); found != kept_.end()) {
    void* memory = found->second;
    kept_.erase(found);
    kept_bytes_ -= size;
    used_bytes_ += size;
    return memory;
  }
  if (limit_ > 0 && (size > limit_ || used_bytes_ + kept_bytes_ > limit_ - size)) {
    trim_locked();
    if (size > limit_ || used_bytes_ > limit_ - size) {
      throw Error(ErrorCode::out_of_memory, std::to_string(bytes) + " bytes of device memory were asked for; " +
                                                std::to_string(used_bytes_) + " of the limit of " + std::to_string(limit_) +
                                                " are in use. Give the call fewer prompts, dispose images, or raise the limit.");
    }
  }
  const DeviceScope scope(device_);
  void* memory = nullptr;
  cudaError_t status = cudaMalloc(&memory, size);
  if (status == cudaErrorMemoryAllocation && !kept_.empty()) {
    drop(status);
    trim_locked();
    status = cudaMalloc(&memory, size);
  }
  check(status, "cudaMalloc");
  used_bytes_ += size;
  return memory;
}

void MemoryPool::give(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  const std::lock_guard lock(mutex_);
  used_bytes_ -= size;
  if (size <= keep_ && kept_bytes_ <= keep_ - size) {
    try {
      kept_.emplace(size, memory);
      kept_bytes_ += size;
      return;
    } catch (...) {  // no host memory to remember it: free it
    }
  }
  free(memory);
}

// With the pool's device current: what frees on another creates a context there first.
void MemoryPool::free(void* memory) const noexcept {
  on_device(device_, [&] { drop(cudaFree(memory)); });
}

void MemoryPool::trim() noexcept {
  const std::lock_guard lock(mutex_);
  trim_locked();
}

void MemoryPool::trim_locked() noexcept {
  for (const auto& [size, memory] : kept_) free(memory);
  kept_.clear();
  kept_bytes_ = 0;
}

std::size_t MemoryPool::bytes_in_use() const {
  const std::lock_guard lock(mutex_);
  return used_bytes_;
}

void* take_pinned(std::size_t bytes) {
  void* memory = nullptr;
  // Portable: usable from every device's context.
  check(cudaHostAlloc(&memory, bytes == 0 ? 1 : bytes, cudaHostAllocPortable), "cudaHostAlloc");
  return memory;
}

void give_pinned(void* memory) noexcept { drop(cudaFreeHost(memory)); }

}  // namespace unsam::cuda
