#include "decoder/cuda/on_device.h"

#include <string>

#include "cuda/runtime/stream.h"

namespace unsam::cuda {

DecodedOnDevice::DecodedOnDevice(std::unique_ptr<const State> state) : state_(std::move(state)) {}
DecodedOnDevice::~DecodedOnDevice() = default;

const std::vector<DecodedMasks>& DecodedOnDevice::results() const noexcept { return state_->results; }
std::size_t DecodedOnDevice::maps() const noexcept { return state_->results.size() * state_->each; }
std::size_t DecodedOnDevice::side() const noexcept { return state_->side; }
const float* DecodedOnDevice::logits() const noexcept { return state_->logits.data(); }

std::vector<float> DecodedOnDevice::low_res(std::size_t prompt) const {
  if (prompt >= state_->results.size()) {
    throw Error(ErrorCode::bad_option, "Prompt " + std::to_string(prompt) + " was asked for, and " +
                                           std::to_string(state_->results.size()) + " were decoded, counted from 0.");
  }
  const std::size_t n = state_->each * state_->side * state_->side;
  const DeviceScope scope(state_->device);
  const PinnedArray<float> host(n);
  const Stream stream;
  copy_to_host(host.data(), state_->logits.data() + prompt * n, n * sizeof(float), stream.get());
  stream.synchronize();
  return std::vector<float>(host.data(), host.data() + n);
}

}  // namespace unsam::cuda
