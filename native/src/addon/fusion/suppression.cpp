#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"

namespace unsam::addon {

// pairwiseOverlaps(masks, boxes, { threads })
Napi::Value pairwise_overlaps(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const Threads threads = read_threads(read_options(info[2]));
    auto work = [masks = read_masks(info[0]), boxes = read_integers(info[1], "The boxes", ErrorCode::bad_prompt),
                 threads] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        return unsam::pairwise_overlaps(masks, boxes, parallel);
      });
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, Overlaps&& overlaps) -> Napi::Value {
      auto object = Napi::Object::New(env);
      object.Set("count", Napi::Number::New(env, static_cast<double>(overlaps.count)));
      object.Set("common", word_array(env, std::move(overlaps.common)));
      return object;
    });
  });
}
const Operation kPairwiseOverlaps("pairwiseOverlaps", pairwise_overlaps);

// removeDuplicates(areas, scores, overlaps, { maxIoU })
Napi::Value remove_duplicates(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [areas = read_areas(info[0]), scores = read_scores(info[1]), overlaps = read_overlaps(info[2]),
                 max_iou = read_option(read_options(info[3]), "maxIoU")] {
      return unsam::remove_duplicates(areas, scores, overlaps, max_iou);
    };
    return start_call(info.Env(), std::move(work), integer_array);
  });
}
const Operation kRemoveDuplicates("removeDuplicates", remove_duplicates);

// suppressBoxes(boxes, scores, { maxIoU })
Napi::Value suppress_boxes(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [boxes = read_doubles(info[0], "The boxes", ErrorCode::bad_prompt), scores = read_scores(info[1]),
                 max_iou = read_option(read_options(info[2]), "maxIoU")] {
      return unsam::suppress_boxes(boxes, scores, max_iou);
    };
    return start_call(info.Env(), std::move(work), integer_array);
  });
}
const Operation kSuppressBoxes("suppressBoxes", suppress_boxes);

}  // namespace unsam::addon
