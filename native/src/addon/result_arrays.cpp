#include "result_arrays.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace unsam::addon {
namespace {

// Below this a copy is cheaper than an external buffer and its finalizer.
constexpr std::size_t kCopiedBytes = 4096;

template <class Array, class Element>
Napi::Value typed_array(Napi::Env env, std::vector<Element>&& values) {
  const std::size_t length = values.size();
  if (length * sizeof(Element) > kCopiedBytes) {
    auto owner = std::make_unique<std::vector<Element>>(std::move(values));
    napi_value buffer;
    const napi_status status = napi_create_external_arraybuffer(
        env, owner->data(), length * sizeof(Element),
        [](napi_env, void*, void* hint) { delete static_cast<std::vector<Element>*>(hint); }, owner.get(), &buffer);
    if (status == napi_ok) {
      owner.release();
      return Array::New(env, length, Napi::ArrayBuffer(env, buffer), 0);
    }
    if (status != napi_no_external_buffers_allowed) {
      owner.release();  // Node may already have handed it to the finalizer; freeing it twice would be worse than a leak
      NAPI_THROW_IF_FAILED(env, status, Napi::Value());
    }
    values = std::move(*owner);
  }
  auto array = Array::New(env, length);
  std::copy_n(values.data(), length, array.Data());
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
