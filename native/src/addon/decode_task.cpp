#include "decode_task.h"

#include <utility>

#include "arguments.h"
#include "result_arrays.h"

namespace unsam::addon {

DecodeTask::DecodeTask(std::shared_ptr<const Backend> decoder, Napi::Value image, Napi::Value prompts,
                       Napi::Value options)
    : decoder_(std::move(decoder)), image_(PreparedImage::from(image).contents()) {
  const auto named = read_object(options, "The options", ErrorCode::bad_option);
  options_.multimask = read_flag(named.Get("multimask"), "The option multimask", ErrorCode::bad_option);
  const Napi::Value every = named.Get("everyMask");
  options_.every_mask = !every.IsUndefined() && read_flag(every, "The option everyMask", ErrorCode::bad_option);
  options_.threads = read_count(named.Get("threads"), "The option threads", ErrorCode::bad_option);
  if (!prompts.IsArray()) throw Error(ErrorCode::bad_prompt, "The prompts must be an array.");
  const auto list = prompts.As<Napi::Array>();
  if (list.Length() == 0) throw Error(ErrorCode::bad_prompt, "There are no prompts; give at least one.");
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::HandleScope scope(list.Env());
    prompts_.push_back(read_prompt(list.Get(i), "Prompt " + std::to_string(i)));
  }
}

DecodeTask::OwnedPrompt DecodeTask::read_prompt(Napi::Value value, const std::string& what) {
  constexpr auto kCode = ErrorCode::bad_prompt;
  const auto object = read_object(value, what, kCode);
  OwnedPrompt prompt;
  prompt.coords = read_floats(object.Get("coords"), what + ": coords", kCode);
  prompt.labels = read_integers(object.Get("labels"), what + ": labels", kCode);
  const Napi::Value granularity = object.Get("granularity");
  if (granularity.IsNumber()) {
    prompt.granularity = granularity.As<Napi::Number>().FloatValue();
  } else if (!granularity.IsNull()) {
    throw Error(kCode, what + ": granularity must be a number or null.");
  }
  const Napi::Value mask = object.Get("maskLogits");
  if (!mask.IsNull()) {
    prompt.mask_logits = read_floats(mask, what + ": maskLogits", kCode);
    if (prompt.mask_logits.empty()) throw Error(kCode, what + ": maskLogits is empty; use null for no mask.");
  }
  return prompt;
}

void DecodeTask::run() {
  std::vector<Prompt> views;
  views.reserve(prompts_.size());
  for (const auto& prompt : prompts_) {
    views.push_back({prompt.coords, prompt.labels, prompt.granularity, prompt.mask_logits});
  }
  masks_ = decoder_->decode(*image_.image, views, options_);
}

Napi::Value DecodeTask::result(Napi::Env env) {
  auto list = Napi::Array::New(env, masks_.size());
  for (std::uint32_t i = 0; i < masks_.size(); ++i) {
    const Napi::HandleScope scope(env);
    DecodedMasks& masks = masks_[i];
    auto object = Napi::Object::New(env);
    object.Set("lowRes", float_array(env, std::move(masks.low_res)));
    object.Set("predictedIou", float_array(env, std::move(masks.predicted_iou)));
    object.Set("objectScore", Napi::Number::New(env, masks.object_score));
    object.Set("tokens", integer_array(env, std::move(masks.tokens)));
    object.Set("maskTokens", options_.every_mask ? float_array(env, std::move(masks.mask_tokens)) : env.Null());
    list.Set(i, object);
  }
  return list;
}

}  // namespace unsam::addon
