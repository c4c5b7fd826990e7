#pragma once

#include <napi.h>

#include <memory>

#include "../handle.h"
#include "unsam/encoder.h"

namespace unsam::addon {

// createImageEncoder(plan, vectors, { precision })
Napi::Value create_image_encoder(const Napi::CallbackInfo& info);

class ImageEncoderHandle : public Handle<ImageEncoderHandle, std::shared_ptr<ImageEncoder>> {
 public:
  static constexpr napi_type_tag kTag{0x3c85b1e79f204ad6, 0xd7216ef0a94b583c};
  static constexpr const char* kName = "ImageEncoder";
  static constexpr const char* kMaker = "createImageEncoder()";
  static constexpr const char* kDisposed = "This encoder was disposed; create it again.";

  static Napi::Function define(Napi::Env env);
  explicit ImageEncoderHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value matrices(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
};

}  // namespace unsam::addon
