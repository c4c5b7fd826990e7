#include "nano_encoder.h"

#include <optional>
#include <utility>
#include <vector>

#include "../arguments.h"
#include "../call.h"
#include "../result_arrays.h"
#include "../tensors.h"
#include "work_options.h"

namespace unsam::addon {
namespace {

// encoder.encode(input, { threads, cancel })
class NanoTask : public Task {
 public:
  NanoTask(std::shared_ptr<const NanoEncoder> encoder, Napi::Value input, Napi::Value options)
      : encoder_(std::move(encoder)), work_(options) {
    const auto object = read_object(input, "The image", ErrorCode::bad_option);
    width_ = read_count(object.Get("width"), "The image's width", ErrorCode::bad_option);
    height_ = read_count(object.Get("height"), "The image's height", ErrorCode::bad_option);
    data_ = read_floats(object.Get("data"), "The image's data", ErrorCode::bad_option);
  }

 protected:
  void run() override {
    cues_ = encoder_->encode({width_, height_, data_}, {.threads = work_.threads(), .cancelled = work_.cancelled()});
  }

  Napi::Value result(Napi::Env env) override {
    if (!cues_) return env.Null();
    auto result = Napi::Object::New(env);
    result.Set("columns", Napi::Number::New(env, static_cast<double>(cues_->columns)));
    result.Set("rows", Napi::Number::New(env, static_cast<double>(cues_->rows)));
    result.Set("dimensions", Napi::Number::New(env, static_cast<double>(cues_->dimensions)));
    result.Set("border", float_array(env, std::move(cues_->border)));
    result.Set("height", float_array(env, std::move(cues_->height)));
    result.Set("metric", float_array(env, std::move(cues_->metric)));
    return result;
  }

 private:
  std::shared_ptr<const NanoEncoder> encoder_;
  WorkOptions work_;
  std::size_t width_, height_;
  std::vector<float> data_;
  std::optional<NanoCues> cues_;
};

}  // namespace

Napi::Value create_nano_encoder(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto weights = std::make_shared<OwnedTensors>(info[0]);
    return start_call(
        info.Env(), [weights] { return std::make_shared<NanoEncoder>(weights->tensors); },
        [](Napi::Env env, std::shared_ptr<NanoEncoder> made) -> Napi::Value {
          return NanoEncoderHandle::create(environment(env).nano_encoder, made);
        });
  });
}

Napi::Function NanoEncoderHandle::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("encode", &NanoEncoderHandle::encode), InstanceMethod("dispose", &NanoEncoderHandle::dispose)});
}

NanoEncoderHandle::NanoEncoderHandle(const Napi::CallbackInfo& info) : Handle(info) {
  holds(info.Env(), contents()->memory_bytes());
}

Napi::Value NanoEncoderHandle::encode(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] { return Task::start(info.Env(), std::make_unique<NanoTask>(contents(), info[0], info[1])); });
}

}  // namespace unsam::addon
