#include "prepared_image.h"

namespace unsam::addon {

Napi::Function PreparedImage::define(Napi::Env env) {
  return DefineClass(env, kName, {InstanceMethod("dispose", &PreparedImage::dispose)});
}

PreparedImage::PreparedImage(const Napi::CallbackInfo& info)
    : Handle(info), contents_(take_contents(info.Env())) {
  // So that the garbage collector knows what a small object holds on to.
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<std::int64_t>(memory_bytes(*contents_.image)));
}

const ImageAndDecoder& PreparedImage::contents() const {
  if (!contents_.image) throw Error(ErrorCode::disposed, "This prepared image was disposed; prepare it again.");
  return contents_;
}

void PreparedImage::dispose(const Napi::CallbackInfo& info) { release(info.Env()); }

void PreparedImage::Finalize(Napi::Env env) { release(env); }

void PreparedImage::release(Napi::Env env) {
  if (!contents_.image) return;
  const auto bytes = static_cast<std::int64_t>(memory_bytes(*contents_.image));
  contents_ = {};
  std::int64_t total;
  napi_adjust_external_memory(env, -bytes, &total);
}

}  // namespace unsam::addon
