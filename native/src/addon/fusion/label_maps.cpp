#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "exports.h"

namespace unsam::addon {
namespace {

std::vector<std::int32_t> read_finest(Napi::Value value) {
  return read_integers(value, "The finest labels", ErrorCode::bad_prompt);
}

}  // namespace

// finestLabels(masks, forest, { threads })
Napi::Value finest_labels(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [masks = read_masks(info[0]), forest = read_forest(info[1]),
                 threads = read_threads(read_options(info[2]))] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::finest_labels(masks, forest, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), integer_array);
  });
}

// labelMapAt(finest, forest, granularity, { threads })
Napi::Value label_map_at(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [finest = read_finest(info[0]), forest = read_forest(info[1]),
                 granularity = read_number(info[2], "The granularity", ErrorCode::bad_prompt),
                 threads = read_threads(read_options(info[3]))] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::label_map_at(finest, forest, granularity, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), integer_array);
  });
}

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

}  // namespace unsam::addon
