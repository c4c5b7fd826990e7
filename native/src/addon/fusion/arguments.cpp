#include "arguments.h"

#include <string>
#include <utility>

#include "../handle.h"

namespace unsam::addon {
namespace {

constexpr auto kInput = ErrorCode::bad_prompt;
constexpr auto kOption = ErrorCode::bad_option;
constexpr std::size_t kMaxThreads = 1024;

}  // namespace

OwnedMaps read_maps(Napi::Value value) {
  const auto object = read_object(value, "The logit maps", kInput);
  OwnedMaps maps;
  maps.count = read_count(object.Get("count"), "The count of the logit maps", kInput);
  maps.height = read_count(object.Get("height"), "The height of the logit maps", kInput);
  maps.width = read_count(object.Get("width"), "The width of the logit maps", kInput);
  const std::string what = "The data of the logit maps";
  const Napi::Value data = object.Get("data");
  if (!data.IsArray()) {
    maps.data = read_float_input(data, what, kInput);
    return maps;
  }
  const auto parts = data.As<Napi::Array>();
  if (parts.Length() > kMaxMasks) {
    throw Error(kInput, what + " come in more than " + std::to_string(kMaxMasks) + " arrays; give fewer at once.");
  }
  std::vector<float> joined;
  for (std::uint32_t i = 0; i < parts.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    append_floats(joined, parts.Get(i), "Part " + std::to_string(i) + " of the logit maps", kInput);
    if (i == 0) joined.reserve(joined.size() * parts.Length());  // parts are mostly of one size
  }
  maps.data = FloatInput(std::move(joined));
  return maps;
}

MaskStack read_masks(Napi::Value value) {
  const auto object = read_object(value, "The masks", kInput);
  MaskStack masks;
  masks.count = read_count(object.Get("count"), "The count of the masks", kInput);
  masks.width = read_count(object.Get("width"), "The width of the masks", kInput);
  masks.height = read_count(object.Get("height"), "The height of the masks", kInput);
  masks.words = read_words(object.Get("words"), "The words of the masks", kInput);
  return masks;
}

Size read_size(Napi::Value value) {
  const auto object = read_object(value, "The size", kInput);
  return {read_count(object.Get("width"), "The width", kInput), read_count(object.Get("height"), "The height", kInput)};
}

Overlaps read_overlaps(Napi::Value value) {
  const auto object = read_object(value, "The overlaps", kInput);
  Overlaps overlaps;
  overlaps.count = read_count(object.Get("count"), "The count of the overlaps", kInput);
  overlaps.common = read_words(object.Get("common"), "The common pixels of the overlaps", kInput);
  const std::size_t count = overlaps.count;
  if (count > kMaxMasks) {
    throw Error(kInput, std::to_string(count) + " masks cannot be fused at once; give from 0 to " +
                            std::to_string(kMaxMasks) + ", best ones first.");
  }
  const std::size_t pairs = count == 0 ? 0 : count * (count - 1) / 2;
  if (overlaps.common.size() != pairs) {
    throw Error(kInput, std::to_string(count) + " masks form " + std::to_string(pairs) + " pairs, but there are " +
                            std::to_string(overlaps.common.size()) + " overlaps.");
  }
  return overlaps;
}

RegionForest read_forest(Napi::Value value) {
  const auto object = read_object(value, "The forest", kInput);
  RegionForest forest;
  forest.parent = read_integers(object.Get("parent"), "The parents of the forest", kInput);
  forest.level = read_shorts(object.Get("level"), "The levels of the forest", kInput);
  forest.order = read_integers(object.Get("order"), "The painting order of the forest", kInput);
  const std::size_t count = read_count(object.Get("count"), "The count of the forest", kInput);
  if (count != forest.parent.size()) {
    throw Error(kInput, "The forest has " + std::to_string(count) + " regions, but " +
                            std::to_string(forest.parent.size()) + " parents; give one each.");
  }
  return forest;
}

std::vector<std::uint32_t> read_areas(Napi::Value value) { return read_words(value, "The areas", kInput); }

std::vector<double> read_scores(Napi::Value value) { return read_doubles(value, "The scores", kInput); }

std::vector<double> read_granularities(Napi::Value value) {
  return read_doubles(value, "The granularities", kInput);
}

Napi::Object read_options(Napi::Value value) { return read_object(value, "The options", kOption); }

double read_option(const Napi::Object& options, const char* name) {
  return read_number(options.Get(name), std::string("The option ") + name, kOption);
}

bool read_switch(const Napi::Object& options, const char* name) {
  return read_flag(options.Get(name), std::string("The option ") + name, kOption);
}

Threads read_threads(const Napi::Object& options) {
  const std::size_t threads = read_count(options.Get("threads"), "The option threads", kOption);
  if (threads >= 1 && threads <= kMaxThreads) return {threads, environment(options.Env()).teams};
  throw Error(kOption, "The option threads is " + std::to_string(threads) + "; it must be from 1 to " +
                           std::to_string(kMaxThreads) + ".");
}

Thresholds read_thresholds(const Napi::Object& options) {
  return {read_option(options, "threshold"), read_option(options, "stabilityOffset")};
}

}  // namespace unsam::addon
