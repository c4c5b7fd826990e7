#include "prepared_image.h"

namespace unsam::addon {

Napi::Function PreparedImage::define(Napi::Env env) {
  return DefineClass(env, kName, {InstanceMethod("dispose", &PreparedImage::dispose)});
}

PreparedImage::PreparedImage(const Napi::CallbackInfo& info)
    : Handle(info), contents_(take_contents(info.Env())) {
  holds(info.Env(), contents_.image->bytes());
}

const ImageAndDecoder& PreparedImage::contents() const {
  if (!contents_.image) throw Error(ErrorCode::disposed, "This prepared image was disposed; prepare it again.");
  return contents_;
}

void PreparedImage::dispose(const Napi::CallbackInfo& info) { release(info.Env()); }

void PreparedImage::release(Napi::Env env) {
  contents_ = {};
  holds(env, 0);
}

}  // namespace unsam::addon
