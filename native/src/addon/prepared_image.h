#pragma once

#include <memory>

#include "backend/backend.h"
#include "handle.h"

namespace unsam::addon {

struct ImageAndDecoder {
  std::shared_ptr<const Backend> decoder;  // the image was made with its constants
  std::shared_ptr<const BackendImage> image;
};

class PreparedImage : public Handle<PreparedImage, ImageAndDecoder> {
 public:
  static constexpr napi_type_tag kTag{0x6a1d3f0b52c94e87, 0xb4e07c9815d2f63a};
  static constexpr const char* kName = "PreparedImage";
  static constexpr const char* kMaker = "decoder.prepare()";
  static constexpr const char* kDisposed = "This prepared image was disposed; prepare it again.";

  static Napi::Function define(Napi::Env env);
  explicit PreparedImage(const Napi::CallbackInfo& info);
};

}  // namespace unsam::addon
