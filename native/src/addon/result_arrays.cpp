#include "result_arrays.h"

#include <algorithm>
#include <memory>

namespace unsam::addon {
namespace {

// Below this a copy is cheaper than an external buffer and its finalizer.
constexpr std::size_t kCopied = 1024;

}  // namespace

Napi::Value float_array(Napi::Env env, std::vector<float>&& values) {
  const std::size_t length = values.size();
  if (length > kCopied) {
    auto owner = std::make_unique<std::vector<float>>(std::move(values));
    napi_value buffer;
    const napi_status status = napi_create_external_arraybuffer(
        env, owner->data(), length * sizeof(float),
        [](napi_env, void*, void* hint) { delete static_cast<std::vector<float>*>(hint); }, owner.get(), &buffer);
    if (status == napi_ok) {
      owner.release();
      return Napi::Float32Array::New(env, length, Napi::ArrayBuffer(env, buffer), 0);
    }
    if (status != napi_no_external_buffers_allowed) {
      owner.release();  // Node may already have handed it to the finalizer; freeing it twice would be worse than a leak
      NAPI_THROW_IF_FAILED(env, status, Napi::Value());
    }
    values = std::move(*owner);
  }
  auto array = Napi::Float32Array::New(env, length);
  std::copy_n(values.data(), length, array.Data());
  return array;
}

Napi::Value integer_array(Napi::Env env, const std::vector<std::int32_t>& values) {
  auto array = Napi::Int32Array::New(env, values.size());
  std::copy_n(values.data(), values.size(), array.Data());
  return array;
}

}  // namespace unsam::addon
