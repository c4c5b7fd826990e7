// What a call of Fusion works with (not the decoder's Call, what its kernels see): a stream, device memory and pinned memory, given back together when all work is done.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "fusion/cuda/kernels.h"
#include "cuda/runtime/device.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "unsam/cuda_fusion.h"

namespace unsam::cuda {

// Shared by the calls. Making a stream or pinned memory costs as much as fusing, so both are kept.
class Fusion::State {
 public:
  explicit State(const FusionSettings& settings);
  ~State();

  std::unique_ptr<Stream> take_stream();
  void give_stream(std::unique_ptr<Stream> stream) noexcept;
  PinnedArray<std::byte> take_pinned(std::size_t bytes);
  void give_pinned(PinnedArray<std::byte> memory) noexcept;

  const int device;
  const bool keep;
  const std::shared_ptr<MemoryPool> pool;

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::multimap<std::size_t, PinnedArray<std::byte>> pinned_;
  std::size_t pinned_bytes_ = 0;
};

class FusionCall {
 public:
  explicit FusionCall(Fusion::State& state);
  ~FusionCall();  // waits for what was enqueued
  FusionCall(const FusionCall&) = delete;
  FusionCall& operator=(const FusionCall&) = delete;

  cudaStream_t stream() const noexcept { return stream_->get(); }
  void wait() const { stream_->synchronize(); }
  // Work from here on waits for what is enqueued on another stream.
  void wait_for(cudaStream_t other);

  // Memory until the call ends, not initialised.
  template <typename T>
  T* device(std::size_t n) {
    arrays_.emplace_back(state_.pool, n * sizeof(T));
    return reinterpret_cast<T*>(arrays_.back().data());
  }
  template <typename T>
  T* zeros(std::size_t n) {
    T* values = device<T>(n);
    fill(values, 0, n * sizeof(T));
    return values;
  }
  void fill(void* memory, int byte, std::size_t bytes);

  // Copies pass through pinned memory in pieces, whatever their size.
  // `items` of `bytes` each, item k from source(k), one behind the other.
  template <typename Source>
  void upload_items(void* to, std::size_t items, std::size_t bytes, Source&& source) {
    const std::size_t total = items * bytes;
    for (std::size_t at = 0; at < total;) {
      Piece& piece = free_piece(total - at);
      const std::size_t n = std::min(piece.memory.size(), total - at);
      for (std::size_t filled = 0; filled < n;) {
        const std::size_t item = (at + filled) / bytes, offset = (at + filled) % bytes;
        const std::size_t part = std::min(bytes - offset, n - filled);
        std::memcpy(piece.memory.data() + filled, reinterpret_cast<const std::byte*>(source(item)) + offset, part);
        filled += part;
      }
      copy_to_device(static_cast<std::byte*>(to) + at, piece.memory.data(), n, stream());
      piece.event.record(stream());
      piece.busy = true;
      at += n;
    }
  }
  template <typename T>
  void upload(T* to, std::span<const T> from) {
    upload_items(to, 1, from.size_bytes(), [&](std::size_t) { return from.data(); });
  }
  template <typename T>
  T* upload(std::span<const T> from) {
    T* to = device<T>(from.size());
    upload(to, from);
    return to;
  }
  // Waits until all is there.
  template <typename T>
  void download(T* to, const T* from, std::size_t n) {
    download_bytes(to, from, n * sizeof(T));
  }
  // A few values, to be read after wait().
  template <typename T>
  const T* fetch(const T* from, std::size_t n) {
    fetched_.push_back(state_.take_pinned(n * sizeof(T)));
    copy_to_host(fetched_.back().data(), from, n * sizeof(T), stream());
    return reinterpret_cast<const T*>(fetched_.back().data());
  }

  // Sums of all values before each, and behind them the sum of all: values[n] is overwritten.
  void scan(std::uint32_t* values, std::size_t n);

 private:
  struct Piece {
    PinnedArray<std::byte> memory;
    Event event;
    bool busy;  // set by free_piece; an initialiser here would keep Clang from filling the optionals below
  };
  Piece& free_piece(std::size_t wanted);
  void download_bytes(void* to, const void* from, std::size_t bytes);

  Fusion::State& state_;
  const DeviceScope scope_;
  std::unique_ptr<Stream> stream_;
  std::vector<DeviceArray<std::byte>> arrays_;
  std::vector<PinnedArray<std::byte>> fetched_;
  std::optional<Piece> pieces_[2];
  std::size_t next_piece_ = 0;
};

}  // namespace unsam::cuda
