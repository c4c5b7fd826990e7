#include "unsam/patch_merge.h"

#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"

namespace unsam::addon {

// mergePatches({ height, width, channels, data }, { threads })
Napi::Value merge_patches(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    constexpr auto kCode = ErrorCode::bad_prompt;
    const auto features = read_object(info[0], "The patch features", kCode);
    const auto side = [&](const char* name) {
      return read_count(features.Get(name), std::string("The ") + name + " of the patch features", kCode);
    };
    const std::size_t height = side("height"), width = side("width"), channels = side("channels");
    auto work = [height, width, channels,
                 data = read_float_input(features.Get("data"), "The data of the patch features", kCode),
                 threads = read_threads(read_options(info[1]))] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::merge_patches(data, height, width, channels, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, PatchMerges&& merges) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object.Set("count", Napi::Number::New(env, static_cast<double>(merges.similarity.size() + 1)));
      object.Set("children", integer_array(env, std::move(merges.children)));
      object.Set("similarity", double_array(env, std::move(merges.similarity)));
      return object;
    });
  });
}
const Operation kMergePatches("mergePatches", merge_patches);

}  // namespace unsam::addon
