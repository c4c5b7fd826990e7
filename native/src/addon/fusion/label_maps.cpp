#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"

namespace unsam::addon {
namespace {

std::vector<std::int32_t> read_finest(Napi::Value value) {
  return read_integers(value, "The finest labels", ErrorCode::bad_prompt);
}

}  // namespace

// fuseLabels(finest, forest, size, { threads })
Napi::Value fuse_labels(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const Size size = read_size(info[2]);
    auto work = [finest = read_finest(info[0]), forest = read_forest(info[1]), size,
                 threads = read_threads(read_options(info[3]))] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::fuse_labels(finest, forest, size.width, size.height, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [size](Napi::Env env, FusedMap&& map) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object.Set("width", Napi::Number::New(env, static_cast<double>(size.width)));
      object.Set("height", Napi::Number::New(env, static_cast<double>(size.height)));
      object.Set("right", short_array(env, std::move(map.right)));
      object.Set("below", short_array(env, std::move(map.below)));
      return object;
    });
  });
}
const Operation kFuseLabels("fuseLabels", fuse_labels);

}  // namespace unsam::addon
