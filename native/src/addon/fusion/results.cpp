#include "results.h"

#include <utility>

#include "../result_arrays.h"

namespace unsam::addon {

Napi::Object masks_object(Napi::Env env, MaskStack&& masks) {
  auto object = Napi::Object::New(env);
  object.Set("count", Napi::Number::New(env, static_cast<double>(masks.count)));
  object.Set("width", Napi::Number::New(env, static_cast<double>(masks.width)));
  object.Set("height", Napi::Number::New(env, static_cast<double>(masks.height)));
  object.Set("words", word_array(env, std::move(masks.words)));
  return object;
}

void set_statistics(Napi::Object object, MaskStatistics&& statistics) {
  const Napi::Env env = object.Env();
  object.Set("masks", masks_object(env, std::move(statistics.masks)));
  object.Set("areas", word_array(env, std::move(statistics.areas)));
  object.Set("boxes", integer_array(env, std::move(statistics.boxes)));
  object.Set("stability", double_array(env, std::move(statistics.stability)));
}

Napi::Object forest_object(Napi::Env env, RegionForest&& forest) {
  auto object = Napi::Object::New(env);
  object.Set("count", Napi::Number::New(env, static_cast<double>(forest.parent.size())));
  object.Set("parent", integer_array(env, std::move(forest.parent)));
  object.Set("level", short_array(env, std::move(forest.level)));
  object.Set("order", integer_array(env, std::move(forest.order)));
  return object;
}

Napi::Value run_lengths_array(Napi::Env env, std::vector<RunLengths>&& run_lengths) {
  auto list = Napi::Array::New(env, run_lengths.size());
  for (std::uint32_t i = 0; i < run_lengths.size(); ++i) {
    const Napi::HandleScope scope(env);
    list.Set(i, word_array(env, std::move(run_lengths[i])));
  }
  return list;
}

}  // namespace unsam::addon
