#include "plan.h"

#include <string>

#include "../arguments.h"

namespace unsam::addon {
namespace {

constexpr ErrorCode kCode = ErrorCode::bad_option;

void read_pair(Napi::Value value, const std::string& what, std::size_t (&out)[2]) {
  const auto pair = read_object(value, what, kCode);
  for (std::uint32_t i : {0u, 1u}) out[i] = read_count(pair.Get(i), what, kCode);
}

}  // namespace

EncoderPlan read_plan(Napi::Value value) {
  const auto object = read_object(value, "The plan", kCode), neck = read_object(object.Get("neck"), "The plan's neck", kCode);
  EncoderPlan plan{};
  plan.image_size = read_count(object.Get("imageSize"), "imageSize", kCode);
  plan.embed_dim = read_count(object.Get("embedDim"), "embedDim", kCode);
  read_pair(object.Get("patchKernel"), "patchKernel", plan.patch_kernel);
  read_pair(object.Get("patchPadding"), "patchPadding", plan.patch_padding);
  plan.norm_eps = read_number(object.Get("normEps"), "normEps", kCode);
  const Napi::Value blocks = object.Get("blocks"), levels = neck.Get("topDownLevels");
  if (!blocks.IsArray() || !levels.IsArray()) throw Error(kCode, "The plan's blocks and topDownLevels must be arrays.");
  const auto list = blocks.As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const std::string what = "Block " + std::to_string(i) + " of the plan";
    const auto block = read_object(list.Get(i), what, kCode);
    const auto count = [&](const char* name) { return read_count(block.Get(name), what + ": " + name, kCode); };
    plan.blocks.push_back({count("width"), count("heads"), count("hidden"), count("window"),
                           read_flag(block.Get("pools"), what + ": pools", kCode)});
  }
  plan.neck_width = read_count(neck.Get("width"), "The neck's width", kCode);
  for (std::uint32_t i = 0; i < levels.As<Napi::Array>().Length(); ++i) {
    const std::size_t level = read_count(levels.As<Napi::Array>().Get(i), "A level of topDownLevels", kCode);
    if (level > 3) throw Error(kCode, "topDownLevels names level " + std::to_string(level) + "; there are 0 to 3.");
    if (level < 3) plan.top_down[level] = true;  // the coarsest has none above it
  }
  plan.average = read_flag(neck.Get("average"), "The neck's average", kCode);
  plan.add_no_memory = read_flag(neck.Get("addNoMemory"), "The neck's addNoMemory", kCode);
  return plan;
}

}  // namespace unsam::addon
