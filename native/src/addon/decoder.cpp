#include "decoder.h"

#include "decode_task.h"
#include "prepare_task.h"

namespace unsam::addon {

Napi::Function Decoder::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("prepare", &Decoder::prepare), InstanceMethod("decode", &Decoder::decode),
                      InstanceMethod("dispose", &Decoder::dispose)});
}

Decoder::Decoder(const Napi::CallbackInfo& info) : Handle(info), contents_(take_contents(info.Env())) {}

const Decoder::Contents& Decoder::contents() const {
  if (!contents_) throw Error(ErrorCode::disposed, "This decoder was disposed; create it again.");
  return contents_;
}

Napi::Value Decoder::prepare(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<PrepareTask>(contents(), info[0], info[1]));
  });
}

Napi::Value Decoder::decode(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<DecodeTask>(contents(), info[0], info[1], info[2]));
  });
}

void Decoder::dispose(const Napi::CallbackInfo&) { contents_ = nullptr; }

}  // namespace unsam::addon
