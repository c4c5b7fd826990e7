#include "prepared_image.h"

namespace unsam::addon {

Napi::Function PreparedImage::define(Napi::Env env) {
  return DefineClass(env, kName, {InstanceMethod("dispose", &PreparedImage::dispose)});
}

PreparedImage::PreparedImage(const Napi::CallbackInfo& info) : Handle(info) {
  holds(info.Env(), contents().image->bytes());
}

}  // namespace unsam::addon
