// How a function of the library becomes an operation of the addon: it registers itself, under the name that
// packages/core/src/operations knows it by. Nothing else lists it.
#pragma once

#include <napi.h>

namespace unsam::addon {

using OperationFunction = Napi::Value (*)(const Napi::CallbackInfo&);

// Made at namespace scope, before the module is opened.
struct Operation {
  Operation(const char* name, OperationFunction function);
};

// An object with every operation that was registered.
Napi::Object operations_object(Napi::Env env);

}  // namespace unsam::addon
