#pragma once

#include <memory>

#include "handle.h"
#include "unsam/decoder.h"

namespace unsam::addon {

class Decoder : public Handle<Decoder, std::shared_ptr<const unsam::Decoder>> {
 public:
  using Contents = std::shared_ptr<const unsam::Decoder>;
  static constexpr napi_type_tag kTag{0x1f7e92c4a8d34b60, 0x9c35e1078fb2d64d};
  static constexpr const char* kName = "Decoder";
  static constexpr const char* kMaker = "createDecoder()";

  static Napi::Function define(Napi::Env env);
  explicit Decoder(const Napi::CallbackInfo& info);

 private:
  // Throws Error(disposed).
  const Contents& contents() const;
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  Contents contents_;
};

}  // namespace unsam::addon
