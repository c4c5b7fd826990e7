#include "cuda/runtime/stream.h"

#include <utility>

namespace unsam::cuda {

Stream::Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }

Stream::~Stream() {
  if (stream_ == nullptr) return;
  drop(cudaStreamSynchronize(stream_));  // memory is given back after this; nothing may still run on it
  drop(cudaStreamDestroy(stream_));
}

void Stream::synchronize() const { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

Event::Event() { check(cudaEventCreate(&event_), "cudaEventCreate"); }

Event::~Event() { drop(cudaEventDestroy(event_)); }

void Event::record(cudaStream_t stream) const { check(cudaEventRecord(event_, stream), "cudaEventRecord"); }

void Event::synchronize() const { check(cudaEventSynchronize(event_), "cudaEventSynchronize"); }

float Event::since(const Event& earlier) const {
  float milliseconds = 0.0f;
  check(cudaEventElapsedTime(&milliseconds, earlier.event_, event_), "cudaEventElapsedTime");
  return milliseconds;
}

void copy_to_device(void* device, const void* host, std::size_t bytes, cudaStream_t stream) {
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync");
}

void copy_to_host(void* host, const void* device, std::size_t bytes, cudaStream_t stream) {
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
}

void clear(void* device, std::size_t bytes, cudaStream_t stream) {
  check(cudaMemsetAsync(device, 0, bytes, stream), "cudaMemsetAsync");
}

void copy_on_device(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
}

Graph::Graph(const Stream& stream, const std::function<void()>& work) {
  // Thread-local: what other threads do meanwhile (allocate, say) neither enters this graph nor breaks it.
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    drop(cudaStreamEndCapture(stream.get(), &graph));
    if (graph != nullptr) drop(cudaGraphDestroy(graph));
    throw;
  }
  check(cudaStreamEndCapture(stream.get(), &graph), "cudaStreamEndCapture");
  const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
  drop(cudaGraphDestroy(graph));
  check(status, "cudaGraphInstantiate");
}

Graph::~Graph() {
  if (executable_ != nullptr) drop(cudaGraphExecDestroy(executable_));
}

Graph::Graph(Graph&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)) {}

Graph& Graph::operator=(Graph&& other) noexcept {
  std::swap(executable_, other.executable_);
  return *this;
}

void Graph::launch(cudaStream_t stream) const { check(cudaGraphLaunch(executable_, stream), "cudaGraphLaunch"); }

}  // namespace unsam::cuda
