#include "create_task.h"

#include <utility>

#include "arguments.h"
#include "decoder.h"

namespace unsam::addon {
namespace {

constexpr std::uint32_t kMaxRank = 8;

std::vector<std::size_t> read_shape(Napi::Value value, const std::string& what) {
  if (!value.IsArray()) throw Error(ErrorCode::bad_checkpoint, what + " must be an array of sizes.");
  const auto sizes = value.As<Napi::Array>();
  if (sizes.Length() > kMaxRank) throw Error(ErrorCode::bad_checkpoint, what + " has too many dimensions.");
  std::vector<std::size_t> shape;
  for (std::uint32_t i = 0; i < sizes.Length(); ++i) {
    shape.push_back(read_count(sizes.Get(i), what, ErrorCode::bad_checkpoint));
  }
  return shape;
}

Precision read_precision(Napi::Value value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  throw Error(ErrorCode::bad_option, "The option precision must be \"float32\" or \"bfloat16\".");
}

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
  const auto record = read_object(weights, "The weights", ErrorCode::bad_checkpoint);
  const auto names = record.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString();
    const std::string what = "The tensor \"" + name + "\"";
    const auto tensor = read_object(record.Get(name), what, ErrorCode::bad_checkpoint);
    memory_.push_back(read_floats(tensor.Get("data"), what, ErrorCode::bad_checkpoint));
    bytes_ += memory_.back().size() * sizeof(float);
    tensors_[name] = {memory_.back(), read_shape(tensor.Get("shape"), "The shape of \"" + name + "\"")};
  }
}

void CreateTask::run() {
  const DecoderWeights weights(std::move(tensors_));
  decoder_ = device_ ? open_cuda(weights, precision_, *device_) : open_cpu(weights, precision_);
  memory_.clear();
}

Napi::Value CreateTask::result(Napi::Env env) {
  // What the decoder folds the weights into is about as large as they are.
  return Decoder::create(environment(env).decoder, DecoderAndSize{decoder_, bytes_});
}

}  // namespace unsam::addon
