// Times on the device, and the rate they are held against.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"

namespace unsam::cuda {

// Of one replay of what `work` enqueues, by events. It runs once before it is recorded: the first launch of a kernel may load it,
// which a capture forbids.
template <typename F>
float milliseconds(const Stream& stream, int replays, F&& work) {
  work();
  stream.synchronize();
  const Graph graph(stream, work);
  for (int i = 0; i < std::min(replays - 1, 3); ++i) graph.launch(stream.get());
  const Event begin, end;
  begin.record(stream.get());
  for (int i = 0; i < replays; ++i) graph.launch(stream.get());
  end.record(stream.get());
  end.synchronize();
  return end.since(begin) / static_cast<float>(replays);
}

// Bytes read and written a second by a copy on the device.
inline double copy_bytes(const std::shared_ptr<MemoryPool>& pool, std::size_t bytes, int replays) {
  const Stream stream;
  const DeviceArray<char> from(pool, bytes), to(pool, bytes);
  const float time = milliseconds(stream, replays, [&] { copy_on_device(to.data(), from.data(), bytes, stream.get()); });
  return 2.0 * static_cast<double>(bytes) / time * 1e3;  // read and written
}

}  // namespace unsam::cuda
