#pragma once

#include <napi.h>

#include <memory>

#include "../handle.h"
#include "unsam/memory.h"

namespace unsam::addon {

// createMemoryNetwork(plan, weights)
Napi::Value create_memory_network(const Napi::CallbackInfo& info);

class MemoryNetworkHandle : public Handle<MemoryNetworkHandle, std::shared_ptr<MemoryNetwork>> {
 public:
  static constexpr napi_type_tag kTag{0x6a1f0d93c58e4b27, 0xb84c27e1930fd65a};
  static constexpr const char* kName = "MemoryNetwork";
  static constexpr const char* kMaker = "createMemoryNetwork()";
  static constexpr const char* kDisposed = "This memory network was disposed; create it again.";

  static Napi::Function define(Napi::Env env);
  explicit MemoryNetworkHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value attend(const Napi::CallbackInfo& info);
  Napi::Value remember(const Napi::CallbackInfo& info);
};

}  // namespace unsam::addon
