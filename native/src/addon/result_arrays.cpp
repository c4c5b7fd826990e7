#include "result_arrays.h"

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace unsam::addon {
namespace {

// `new ArrayBuffer(bytes)`, for it throws where memory is short; napi_create_arraybuffer ends the process there.
Napi::ArrayBuffer allocate(Napi::Env env, std::size_t bytes) {
  const auto constructor = env.Global().Get("ArrayBuffer").As<Napi::Function>();
  try {
    return constructor.New({Napi::Number::New(env, static_cast<double>(bytes))}).As<Napi::ArrayBuffer>();
  } catch (const Napi::Error&) {
    throw std::bad_alloc();
  }
}

template <class Array, class Element>
Napi::Value typed_array(Napi::Env env, std::vector<Element>&& values) {
  const std::vector<Element> source = std::move(values);  // freed on return, so that a list of results never lies here twice
  const Napi::ArrayBuffer buffer = allocate(env, source.size() * sizeof(Element));
  auto array = Array::New(env, source.size(), buffer, 0);
  std::copy_n(source.data(), source.size(), array.Data());
  return array;
}

}  // namespace

Napi::Value float_array(Napi::Env env, std::vector<float>&& values) {
  return typed_array<Napi::Float32Array>(env, std::move(values));
}

Napi::Value double_array(Napi::Env env, std::vector<double>&& values) {
  return typed_array<Napi::Float64Array>(env, std::move(values));
}

Napi::Value integer_array(Napi::Env env, std::vector<std::int32_t>&& values) {
  return typed_array<Napi::Int32Array>(env, std::move(values));
}

Napi::Value word_array(Napi::Env env, std::vector<std::uint32_t>&& values) {
  return typed_array<Napi::Uint32Array>(env, std::move(values));
}

Napi::Value short_array(Napi::Env env, std::vector<std::uint16_t>&& values) {
  return typed_array<Napi::Uint16Array>(env, std::move(values));
}

}  // namespace unsam::addon
