#include <algorithm>

#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "exports.h"

namespace unsam::addon {
namespace {

SmallRegions read_which(const Napi::Object& options) {
  const Napi::Value value = options.Get("which");
  const std::string which = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (which == "holes") return SmallRegions::holes;
  if (which == "islands") return SmallRegions::islands;
  throw Error(ErrorCode::bad_option, "The option which must be \"holes\" or \"islands\".");
}

}  // namespace

// findComponents(words, size, { connectivity })
Napi::Value find_components(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [words = read_words(info[0], "The words of the mask", ErrorCode::bad_prompt),
                 size = read_size(info[1]), connectivity = read_connectivity(read_options(info[2]))] {
      return unsam::find_components(words, size.width, size.height, connectivity);
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, Components&& components) -> Napi::Value {
      auto runs = Napi::Object::New(env);
      runs.Set("start", integer_array(env, std::move(components.start)));
      runs.Set("end", integer_array(env, std::move(components.end)));
      runs.Set("rowStart", integer_array(env, std::move(components.row_start)));
      auto object = Napi::Object::New(env);
      object.Set("runs", runs);
      object.Set("ofRun", integer_array(env, std::move(components.of_run)));
      object.Set("areas", integer_array(env, std::move(components.areas)));
      return object;
    });
  });
}

// removeSmallRegions(masks, { which, minArea, connectivity, threads })
Napi::Value remove_small_regions(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto named = read_options(info[1]);
    auto work = [masks = read_masks(info[0]), which = read_which(named), min_area = read_option(named, "minArea"),
                 connectivity = read_connectivity(named), threads = read_threads(named)] {
      check_mask_stack(masks);
      const std::size_t size = words_per_row(masks.width) * masks.height;
      std::vector<std::uint32_t> cleaned(masks.words.size());
      with_threads(threads, [&](const ParallelFor& parallel) {
        parallel(masks.count, [&](std::size_t k) {
          const auto one = unsam::remove_small_regions({masks.words.data() + k * size, size}, masks.width,
                                                       masks.height, which, min_area, connectivity);
          std::copy(one.begin(), one.end(), cleaned.data() + k * size);
        });
      });
      return cleaned;
    };
    return start_call(info.Env(), std::move(work), word_array);
  });
}

}  // namespace unsam::addon
