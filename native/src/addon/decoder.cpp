#include "decoder.h"

#include "decode_task.h"
#include "prepare_task.h"

namespace unsam::addon {

Napi::Function Decoder::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("prepare", &Decoder::prepare), InstanceMethod("decode", &Decoder::decode),
                      InstanceMethod("dispose", &Decoder::dispose)});
}

Decoder::Decoder(const Napi::CallbackInfo& info) : Handle(info), contents_(take_contents(info.Env())) {
  holds(info.Env(), contents_.bytes);
}

const std::shared_ptr<const Backend>& Decoder::decoder() const {
  if (!contents_.decoder) throw Error(ErrorCode::disposed, "This decoder was disposed; create it again.");
  return contents_.decoder;
}

Napi::Value Decoder::prepare(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<PrepareTask>(decoder(), info[0], info[1]));
  });
}

Napi::Value Decoder::decode(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<DecodeTask>(decoder(), info[0], info[1], info[2]));
  });
}

void Decoder::dispose(const Napi::CallbackInfo& info) { release(info.Env()); }

void Decoder::release(Napi::Env env) {
  contents_ = {};
  holds(env, 0);
}

}  // namespace unsam::addon
