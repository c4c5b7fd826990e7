// Streams, events, copies and graphs as owned objects.
#pragma once

#include <cstddef>
#include <functional>

#include "cuda/runtime/check.h"

namespace unsam::cuda {

// A stream of the current device that does not wait for the legacy default stream.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const noexcept { return stream_; }
  // Waits for all work; errors of kernels launched before surface here.
  void synchronize() const;

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t get() const noexcept { return event_; }
  void record(cudaStream_t stream) const;
  void synchronize() const;
  // Milliseconds on the device between two recorded events, both reached.
  float since(const Event& earlier) const;

 private:
  cudaEvent_t event_ = nullptr;
};

// Bytes, asynchronously; host memory must be pinned and stay until the stream has been synchronised.
void copy_to_device(void* device, const void* host, std::size_t bytes, cudaStream_t stream);
void copy_to_host(void* host, const void* device, std::size_t bytes, cudaStream_t stream);
// Zero bytes.
void clear(void* device, std::size_t bytes, cudaStream_t stream);
void copy_on_device(void* to, const void* from, std::size_t bytes, cudaStream_t stream);

// What `work` enqueues on a stream, recorded once and replayed as one launch. Arguments are recorded by value: what
// changes between replays must be read from memory.
class Graph {
 public:
  Graph() = default;
  Graph(const Stream& stream, const std::function<void()>& work);
  ~Graph();
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph&& other) noexcept;

  explicit operator bool() const noexcept { return executable_ != nullptr; }
  void launch(cudaStream_t stream) const;

 private:
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace unsam::cuda
