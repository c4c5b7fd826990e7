// Typed arrays made from C++ memory.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

namespace unsam::addon {

// Each copies the vector once, into an ordinary ArrayBuffer of its own, which any caller may move to another thread.
// C++ memory under an external ArrayBuffer would save the copy, but Node 22 and later refuse to move such a buffer, and
// earlier ones copied it then.
Napi::Value float_array(Napi::Env env, std::vector<float>&& values);
Napi::Value double_array(Napi::Env env, std::vector<double>&& values);
Napi::Value integer_array(Napi::Env env, std::vector<std::int32_t>&& values);
Napi::Value word_array(Napi::Env env, std::vector<std::uint32_t>&& values);
Napi::Value short_array(Napi::Env env, std::vector<std::uint16_t>&& values);

}  // namespace unsam::addon
