// Typed arrays made from C++ memory.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

namespace unsam::addon {

// The array takes the vector's memory over, without a copy where the runtime allows memory of others (Node does,
// Electron does not).
Napi::Value float_array(Napi::Env env, std::vector<float>&& values);
Napi::Value double_array(Napi::Env env, std::vector<double>&& values);
Napi::Value integer_array(Napi::Env env, std::vector<std::int32_t>&& values);
Napi::Value word_array(Napi::Env env, std::vector<std::uint32_t>&& values);
Napi::Value short_array(Napi::Env env, std::vector<std::uint16_t>&& values);

}  // namespace unsam::addon
