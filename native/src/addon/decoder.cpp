#include "decoder.h"

#include "decode_task.h"
#include "prepare_task.h"

namespace unsam::addon {

Napi::Function Decoder::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("prepare", &Decoder::prepare), InstanceMethod("decode", &Decoder::decode),
                      InstanceMethod("dispose", &Decoder::dispose)});
}

Decoder::Decoder(const Napi::CallbackInfo& info) : Handle(info) {
  holds(info.Env(), contents().bytes);
}

Napi::Value Decoder::prepare(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<PrepareTask>(contents().decoder, info[0], info[1]));
  });
}

Napi::Value Decoder::decode(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<DecodeTask>(contents().decoder, info[0], info[1], info[2]));
  });
}

}  // namespace unsam::addon
