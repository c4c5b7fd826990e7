#pragma once

#include <napi.h>

#include <memory>

#include "../handle.h"
#include "unsam/nano.h"

namespace unsam::addon {

// createNanoEncoder(weights)
Napi::Value create_nano_encoder(const Napi::CallbackInfo& info);

class NanoEncoderHandle : public Handle<NanoEncoderHandle, std::shared_ptr<NanoEncoder>> {
 public:
  static constexpr napi_type_tag kTag{0x91d7c2f4a6e84b30, 0x5f0a8c3be1d94762};
  static constexpr const char* kName = "NanoEncoder";
  static constexpr const char* kMaker = "createNanoEncoder()";
  static constexpr const char* kDisposed = "This encoder was disposed; create it again.";

  static Napi::Function define(Napi::Env env);
  explicit NanoEncoderHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value encode(const Napi::CallbackInfo& info);
};

}  // namespace unsam::addon
