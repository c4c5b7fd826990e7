#include "fusion/cuda/call.h"

#include <bit>

namespace unsam::cuda {
namespace {

constexpr std::size_t kKeepDevice = std::size_t{512} << 20, kKeepPinned = std::size_t{64} << 20;
constexpr std::size_t kPiece = std::size_t{8} << 20;  // of a copy: long enough for the bus's full rate

}  // namespace

Fusion::State::State(const FusionSettings& settings)
    : device((require_device(settings.device), settings.device)),
      keep(settings.keep_memory),
      pool(std::make_shared<MemoryPool>(device, settings.memory_limit, keep ? kKeepDevice : 0)) {}

Fusion::State::~State() {
  on_device(device, [&] {
    streams_.clear();
    pinned_.clear();
  });
}

std::unique_ptr<Stream> Fusion::State::take_stream() {
  {
    const std::lock_guard lock(mutex_);
    if (!streams_.empty()) {
      std::unique_ptr<Stream> stream = std::move(streams_.back());
      streams_.pop_back();
      return stream;
    }
  }
  return std::make_unique<Stream>();
}

void Fusion::State::give_stream(std::unique_ptr<Stream> stream) noexcept {
  if (!keep) return;
  const std::lock_guard lock(mutex_);
  try {
    streams_.push_back(std::move(stream));
  } catch (...) {  // no host memory to remember it: it is destroyed
  }
}

PinnedArray<std::byte> Fusion::State::take_pinned(std::size_t bytes) {
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(bytes, 4096));  // few sizes, so that they come again
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = pinned_.find(size); found != pinned_.end()) {
      PinnedArray<std::byte> memory = std::move(found->second);
      pinned_.erase(found);
      pinned_bytes_ -= size;
      return memory;
    }
  }
  return PinnedArray<std::byte>(size);
}

void Fusion::State::give_pinned(PinnedArray<std::byte> memory) noexcept {
  if (!keep || memory.data() == nullptr) return;
  const std::lock_guard lock(mutex_);
  const std::size_t size = memory.size();
  if (pinned_bytes_ + size > kKeepPinned) return;
  try {
    pinned_.emplace(size, std::move(memory));
    pinned_bytes_ += size;
  } catch (...) {
  }
}

FusionCall::FusionCall(Fusion::State& state) : state_(state), scope_(state.device), stream_(state.take_stream()) {}

FusionCall::~FusionCall() {
  // Memory goes back only when nothing uses it any more; a stream whose work failed is not used again.
  const bool sound = [this] {
    const cudaError_t status = cudaStreamSynchronize(stream_->get());
    drop(status);
    return status == cudaSuccess;
  }();
  for (PinnedArray<std::byte>& memory : fetched_) state_.give_pinned(std::move(memory));
  for (std::optional<Piece>& piece : pieces_) {
    if (piece) state_.give_pinned(std::move(piece->memory));
  }
  if (sound) state_.give_stream(std::move(stream_));
}

void FusionCall::wait_for(cudaStream_t other) {
  const Event written;
  written.record(other);
  check(cudaStreamWaitEvent(stream(), written.get()), "cudaStreamWaitEvent");
}

void FusionCall::fill(void* memory, int byte, std::size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(memory, byte, bytes, stream()), "cudaMemsetAsync");
}

FusionCall::Piece& FusionCall::free_piece(std::size_t wanted) {
  std::optional<Piece>& piece = pieces_[next_piece_];
  next_piece_ = 1 - next_piece_;
  if (piece && piece->busy) piece->event.synchronize();
  const std::size_t size = std::min(wanted, kPiece);
  if (!piece) {
    piece.emplace().memory = state_.take_pinned(size);
  } else if (piece->memory.size() < size) {
    state_.give_pinned(std::exchange(piece->memory, state_.take_pinned(size)));
  }
  piece->busy = false;
  return *piece;
}

void FusionCall::download_bytes(void* to, const void* from, std::size_t bytes) {
  struct Filled {
    Piece* piece;
    std::size_t at, n;
  };
  std::optional<Filled> last;
  const auto empty = [&] {
    last->piece->event.synchronize();
    last->piece->busy = false;
    std::memcpy(static_cast<std::byte*>(to) + last->at, last->piece->memory.data(), last->n);
  };
  for (std::size_t at = 0; at < bytes;) {
    Piece& piece = free_piece(bytes - at);
    const std::size_t n = std::min(piece.memory.size(), bytes - at);
    copy_to_host(piece.memory.data(), static_cast<const std::byte*>(from) + at, n, stream());
    piece.event.record(stream());
    piece.busy = true;
    if (last) empty();  // while the next piece is on its way
    last = Filled{&piece, at, n};
    at += n;
  }
  if (last) empty();
}

void FusionCall::scan(std::uint32_t* values, std::size_t n) {
  fill(values + n, 0, sizeof *values);
  kernels::exclusive_scan(values, n + 1, device<std::uint32_t>(kernels::scan_scratch(n + 1)), stream());
}

}  // namespace unsam::cuda
