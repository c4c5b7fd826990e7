#include "create_task.h"

#include <utility>

#include "arguments.h"
#include "decoder.h"

namespace unsam::addon {
namespace {

std::optional<int> read_device(Napi::Value value) {
  constexpr std::size_t most = 1024;  // beyond every machine; which ones exist is for CUDA to say
  if (value.IsUndefined() || value.IsNull()) return std::nullopt;
  const std::size_t device = read_count(value, "The option device", ErrorCode::bad_option);
  if (device > most) throw Error(ErrorCode::bad_option, "The option device is no CUDA device's number.");
  return static_cast<int>(device);
}

}  // namespace

CreateTask::CreateTask(Napi::Value weights, Napi::Value options) {
  const auto named = read_object(options, "The options", ErrorCode::bad_option);
  precision_ = read_precision(named.Get("precision"));
  device_ = read_device(named.Get("device"));
  tensors_.emplace(weights);
  bytes_ = tensors_->bytes;
}

void CreateTask::run() {
  const DecoderWeights weights(std::move(tensors_->tensors));
  decoder_ = device_ ? open_cuda(weights, precision_, *device_) : open_cpu(weights, precision_);
  tensors_.reset();
}

Napi::Value CreateTask::result(Napi::Env env) {
  // What the decoder folds the weights into is about as large as they are.
  return Decoder::create(environment(env).decoder, DecoderAndSize{decoder_, bytes_});
}

}  // namespace unsam::addon
