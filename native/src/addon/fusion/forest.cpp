#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "exports.h"
#include "results.h"

namespace unsam::addon {

// buildForest(areas, scores, granularities, overlaps, { containment })
Napi::Value build_forest(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [areas = read_areas(info[0]), scores = read_scores(info[1]),
                 granularities = read_granularities(info[2]), overlaps = read_overlaps(info[3]),
                 containment = read_option(read_options(info[4]), "containment")] {
      return unsam::build_forest(areas, scores, granularities, overlaps, containment);
    };
    return start_call(info.Env(), std::move(work), forest_object);
  });
}

// fuseLogits(maps, scores, granularities, { threshold, stabilityOffset, maxIoU, containment, minArea, threads })
Napi::Value fuse_logits(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto named = read_options(info[3]);
    const FusionOptions options{read_thresholds(named), read_option(named, "maxIoU"),
                                read_option(named, "containment"), read_option(named, "minArea")};
    auto work = [maps = read_maps(info[0]), scores = read_scores(info[1]),
                 granularities = read_granularities(info[2]), options, threads = read_threads(named)] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::fuse_logits(maps, scores, granularities, options, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, FusedScene&& scene) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object.Set("kept", integer_array(env, std::move(scene.kept)));
      set_statistics(object, std::move(scene.statistics));
      object.Set("forest", forest_object(env, std::move(scene.forest)));
      object.Set("finest", integer_array(env, std::move(scene.finest)));
      return object;
    });
  });
}

}  // namespace unsam::addon
