#include "image_encoder.h"

#include <optional>
#include <utility>

#include "../arguments.h"
#include "../call.h"
#include "encode_task.h"
#include "plan.h"
#include "../tensors.h"

namespace unsam::addon {

Napi::Value create_image_encoder(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto options = read_object(info[2], "The options", ErrorCode::bad_option);
    const Precision precision = read_precision(options.Get("precision"));
    auto vectors = std::make_shared<OwnedTensors>(info[1]);
    return start_call(
        info.Env(),
        [plan = read_plan(info[0]), vectors, precision] { return std::make_shared<ImageEncoder>(plan, vectors->tensors, precision); },
        [](Napi::Env env, std::shared_ptr<ImageEncoder> made) -> Napi::Value {
          return ImageEncoderHandle::create(environment(env).image_encoder, made);
        });
  });
}

Napi::Function ImageEncoderHandle::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("matrices", &ImageEncoderHandle::matrices), InstanceMethod("load", &ImageEncoderHandle::load),
                      InstanceMethod("encode", &ImageEncoderHandle::encode), InstanceMethod("dispose", &ImageEncoderHandle::dispose)});
}

ImageEncoderHandle::ImageEncoderHandle(const Napi::CallbackInfo& info) : Handle(info) {}

Napi::Value ImageEncoderHandle::matrices(const Napi::CallbackInfo& info) {
  return throwing(info.Env(), [&]() -> Napi::Value {
    const auto& names = contents()->matrices();
    auto list = Napi::Array::New(info.Env(), names.size());
    for (std::uint32_t i = 0; i < names.size(); ++i) list.Set(i, Napi::String::New(info.Env(), names[i]));
    return list;
  });
}

Napi::Value ImageEncoderHandle::load(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const std::string name = info[0].ToString(), what = "The tensor \"" + name + "\"";
    const auto tensor = read_object(info[1], what, ErrorCode::bad_checkpoint);
    auto shape = read_shape(tensor.Get("shape"), "The shape of \"" + name + "\"");
    auto data = read_floats(tensor.Get("data"), what, ErrorCode::bad_checkpoint);
    holds(info.Env(), contents()->memory_bytes() + data.size() * sizeof(float));
    return start_call(
        info.Env(),
        [encoder = contents(), name, shape = std::move(shape), data = std::move(data)] {
          encoder->load(name, {data, shape});
          return true;
        },
        [](Napi::Env env, bool) -> Napi::Value { return env.Undefined(); });
  });
}

Napi::Value ImageEncoderHandle::encode(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<EncodeTask>(contents(), info[0], info[1]));
  });
}

}  // namespace unsam::addon
