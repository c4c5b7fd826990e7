#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"
#include "results.h"

namespace unsam::addon {

// finishMasks(maps, size, { threshold, stabilityOffset, keepWords, runLengths, threads })
Napi::Value finish_masks(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto named = read_options(info[2]);
    const FinishOptions options{read_thresholds(named), read_switch(named, "keepWords"),
                                read_switch(named, "runLengths")};
    const Threads threads = read_threads(named);
    const Size size = read_size(info[1]);
    auto work = [maps = read_maps(info[0]), size, options, threads] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::finish_masks(maps, size.width, size.height, options, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [options](Napi::Env env, FinishedMasks&& finished) -> Napi::Value {
      auto object = Napi::Object::New(env);
      set_statistics(object, std::move(finished.statistics));
      object.Set("runLengths", options.run_lengths ? run_lengths_array(env, std::move(finished.run_lengths))
                                                   : Napi::Value(env.Null()));
      return object;
    });
  });
}
const Operation kFinishMasks("finishMasks", finish_masks);

// maskStatistics(maps, { threshold, stabilityOffset, threads })
Napi::Value mask_statistics(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto named = read_options(info[1]);
    auto work = [maps = read_maps(info[0]), thresholds = read_thresholds(named), threads = read_threads(named)] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::mask_statistics(maps, thresholds, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, MaskStatistics&& statistics) -> Napi::Value {
      auto object = Napi::Object::New(env);
      set_statistics(object, std::move(statistics));
      return object;
    });
  });
}
const Operation kMaskStatistics("maskStatistics", mask_statistics);

// cleanLogits(maps, { maxHoleArea, maxSprinkleArea, threads })
Napi::Value clean_logits(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto named = read_options(info[1]);
    const CleanOptions options{read_option(named, "maxHoleArea"), read_option(named, "maxSprinkleArea")};
    auto work = [maps = read_maps(info[0]), options, threads = read_threads(named)] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::clean_logits(maps, options, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), float_array);
  });
}
const Operation kCleanLogits("cleanLogits", clean_logits);

}  // namespace unsam::addon
