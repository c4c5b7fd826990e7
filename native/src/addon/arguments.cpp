#include "arguments.h"

#include <cmath>
#include <span>

namespace unsam::addon {
namespace {

// The memory of a typed array, until JavaScript runs again.
template <class Element>
std::span<const Element> view_array(Napi::Value value, napi_typedarray_type type, const char* name,
                                    const std::string& what, ErrorCode code) {
  napi_env env = value.Env();
  const auto fail = [&](const std::string& why) { throw Error(code, what + " " + why); };
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) fail(std::string("must be a ") + name + ".");
  napi_typedarray_type found;
  std::size_t length = 0;
  void* data = nullptr;
  napi_value buffer;
  if (napi_get_typedarray_info(env, value, &found, &length, &data, &buffer, nullptr) != napi_ok || found != type) {
    fail(std::string("must be a ") + name + ".");
  }
  // A detached array has length 0, which elsewhere means "none given".
  bool detached = false;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && detached) {
    fail("is detached: its buffer was transferred away; give an array of your own.");
  }
  if (length == 0) return {};
  return {static_cast<const Element*>(data), length};
}

template <class Element>
std::vector<Element> read_array(Napi::Value value, napi_typedarray_type type, const char* name,
                                const std::string& what, ErrorCode code) {
  const std::span<const Element> view = view_array<Element>(value, type, name, what, code);
  return {view.begin(), view.end()};
}

// Asks nothing that could run the caller's JavaScript, which might detach the memory.
bool is_shared(napi_env env, napi_value array) {
  napi_value buffer;
  bool detachable = true;
  return napi_get_typedarray_info(env, array, nullptr, nullptr, nullptr, &buffer, nullptr) == napi_ok &&
         napi_is_arraybuffer(env, buffer, &detachable) == napi_ok && !detachable;
}

}  // namespace

Napi::Object read_object(Napi::Value value, const std::string& what, ErrorCode code) {
  if (!value.IsObject()) throw Error(code, what + " must be an object.");
  return value.As<Napi::Object>();
}

std::vector<float> read_floats(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<float>(value, napi_float32_array, "Float32Array", what, code);
}

std::vector<std::int32_t> read_integers(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<std::int32_t>(value, napi_int32_array, "Int32Array", what, code);
}

std::vector<std::uint32_t> read_words(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<std::uint32_t>(value, napi_uint32_array, "Uint32Array", what, code);
}

std::vector<std::uint8_t> read_bytes(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<std::uint8_t>(value, napi_uint8_array, "Uint8Array", what, code);
}

std::vector<std::uint16_t> read_shorts(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<std::uint16_t>(value, napi_uint16_array, "Uint16Array", what, code);
}

std::vector<double> read_doubles(Napi::Value value, const std::string& what, ErrorCode code) {
  return read_array<double>(value, napi_float64_array, "Float64Array", what, code);
}

FloatInput read_float_input(Napi::Value value, const std::string& what, ErrorCode code) {
  const auto view = view_array<float>(value, napi_float32_array, "Float32Array", what, code);
  if (!view.empty() && is_shared(value.Env(), value)) {
    return {view, Napi::Persistent(value.As<Napi::Object>())};
  }
  return FloatInput({view.begin(), view.end()});
}

const std::int32_t* read_shared_cell(Napi::Value value, const std::string& what, ErrorCode code) {
  const auto view = view_array<std::int32_t>(value, napi_int32_array, "Int32Array", what, code);
  if (view.empty() || !is_shared(value.Env(), value)) throw Error(code, what + " must be an Int32Array on a SharedArrayBuffer.");
  return view.data();
}

void append_floats(std::vector<float>& values, Napi::Value value, const std::string& what, ErrorCode code) {
  const auto view = view_array<float>(value, napi_float32_array, "Float32Array", what, code);
  values.insert(values.end(), view.begin(), view.end());
}

std::size_t read_count(Napi::Value value, const std::string& what, ErrorCode code) {
  constexpr double kMost = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= kMost) || number != std::floor(number)) {
    throw Error(code, what + " must be a whole number, 0 or more.");
  }
  return static_cast<std::size_t>(number);
}

double read_number(Napi::Value value, const std::string& what, ErrorCode code) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (std::isnan(number)) throw Error(code, what + " must be a number.");
  return number;
}

bool read_flag(Napi::Value value, const std::string& what, ErrorCode code) {
  if (!value.IsBoolean()) throw Error(code, what + " must be true or false.");
  return value.As<Napi::Boolean>().Value();
}

}  // namespace unsam::addon
