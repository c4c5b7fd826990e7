#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"
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
const Operation kBuildForest("buildForest", build_forest);

}  // namespace unsam::addon
