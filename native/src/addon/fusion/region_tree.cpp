#include "unsam/region_tree.h"

#include <optional>
#include <string>
#include <vector>

#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "operation.h"

namespace unsam::addon {
namespace {

Napi::Value hierarchy_object(Napi::Env env, RegionHierarchy&& hierarchy) {
  auto& [superpixels, graph, merges] = hierarchy;
  const auto count = Napi::Number::New(env, static_cast<double>(superpixels.count));
  auto regions = Napi::Object::New(env);
  regions.Set("count", count);
  regions.Set("labels", integer_array(env, std::move(superpixels.labels)));
  regions.Set("markers", integer_array(env, std::move(superpixels.markers)));
  auto edges = Napi::Object::New(env);
  edges.Set("count", count);
  edges.Set("first", integer_array(env, std::move(graph.first)));
  edges.Set("second", integer_array(env, std::move(graph.second)));
  edges.Set("border", double_array(env, std::move(graph.border)));
  edges.Set("strength", double_array(env, std::move(graph.strength)));
  auto joined = Napi::Object::New(env);
  joined.Set("count", count);
  joined.Set("children", integer_array(env, std::move(merges.children)));
  joined.Set("heights", double_array(env, std::move(merges.heights)));
  joined.Set("border", double_array(env, std::move(merges.border)));
  joined.Set("strength", double_array(env, std::move(merges.strength)));
  auto object = Napi::Object::New(env);
  object.Set("superpixels", regions);
  object.Set("graph", edges);
  object.Set("merges", joined);
  return object;
}

// Learned cues that own their memory.
struct OwnedCues {
  std::size_t columns, rows, dimensions;
  std::vector<float> border, height, metric;
  operator LearnedCues() const { return {columns, rows, border, height, dimensions, metric}; }
};

std::optional<OwnedCues> read_cues(Napi::Value value) {
  if (value.IsNull()) return std::nullopt;
  constexpr auto kCode = ErrorCode::bad_prompt;
  const auto cues = read_object(value, "What a network saw, unless it is null,", kCode);
  const auto count = [&](const char* name) {
    return read_count(cues.Get(name), std::string("The ") + name + " of the learned cues", kCode);
  };
  const auto plane = [&](const char* name) {
    return read_floats(cues.Get(name), std::string("The ") + name + " of the learned cues", kCode);
  };
  return OwnedCues{count("columns"), count("rows"), count("dimensions"), plane("border"), plane("height"), plane("metric")};
}

}  // namespace

// buildRegionHierarchy({ width, height, data }, { columns, rows, border, height, metric, dimensions } | null, { threads })
Napi::Value build_region_hierarchy(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto image = read_object(info[0], "The image", ErrorCode::bad_prompt);
    auto work = [size = read_size(image), rgb = read_bytes(image.Get("data"), "The pixels", ErrorCode::bad_prompt),
                 learned = read_cues(info[1]), threads = read_threads(read_options(info[2]))] {
      return with_threads(threads, [&](const ParallelFor& parallel) {
        if (!learned) return unsam::build_region_hierarchy(rgb, size.width, size.height, parallel);
        const LearnedCues cues = *learned;
        return unsam::build_region_hierarchy(rgb, size.width, size.height, parallel, &cues);
      });
    };
    return start_call(info.Env(), std::move(work), hierarchy_object);
  });
}
const Operation kBuildRegionHierarchy("buildRegionHierarchy", build_region_hierarchy);

}  // namespace unsam::addon
