#include "tensors.h"

#include "arguments.h"

namespace unsam::addon {
namespace {

constexpr std::uint32_t kMaxRank = 8;

}  // namespace

std::vector<std::size_t> read_shape(Napi::Value value, const std::string& what) {
  if (!value.IsArray()) throw Error(ErrorCode::bad_checkpoint, what + " must be an array of sizes.");
  const auto sizes = value.As<Napi::Array>();
  if (sizes.Length() > kMaxRank) throw Error(ErrorCode::bad_checkpoint, what + " has too many dimensions.");
  std::vector<std::size_t> shape;
  for (std::uint32_t i = 0; i < sizes.Length(); ++i) {
    shape.push_back(read_count(sizes.Get(i), what, ErrorCode::bad_checkpoint));
  }
  return shape;
}

Precision read_precision(Napi::Value value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  throw Error(ErrorCode::bad_option, "The option precision must be \"float32\" or \"bfloat16\".");
}

OwnedTensors::OwnedTensors(Napi::Value record) {
  const auto named = read_object(record, "The weights", ErrorCode::bad_checkpoint);
  const auto names = named.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString();
    const std::string what = "The tensor \"" + name + "\"";
    const auto tensor = read_object(named.Get(name), what, ErrorCode::bad_checkpoint);
    memory.push_back(read_floats(tensor.Get("data"), what, ErrorCode::bad_checkpoint));
    bytes += memory.back().size() * sizeof(float);
    tensors[name] = {memory.back(), read_shape(tensor.Get("shape"), "The shape of \"" + name + "\"")};
  }
}

}  // namespace unsam::addon
