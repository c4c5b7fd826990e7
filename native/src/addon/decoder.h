#pragma once

#include <memory>

#include "backend/backend.h"
#include "handle.h"

namespace unsam::addon {

struct DecoderAndSize {
  std::shared_ptr<const Backend> decoder;
  std::size_t bytes;  // about
};

class Decoder : public Handle<Decoder, DecoderAndSize> {
 public:
  static constexpr napi_type_tag kTag{0x1f7e92c4a8d34b60, 0x9c35e1078fb2d64d};
  static constexpr const char* kName = "Decoder";
  static constexpr const char* kMaker = "createDecoder()";
  static constexpr const char* kDisposed = "This decoder was disposed; create it again.";

  static Napi::Function define(Napi::Env env);
  explicit Decoder(const Napi::CallbackInfo& info);

 private:
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
};

}  // namespace unsam::addon
