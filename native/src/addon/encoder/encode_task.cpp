#include "encode_task.h"

#include <utility>

#include "../arguments.h"
#include "../result_arrays.h"

namespace unsam::addon {

EncodeTask::EncodeTask(std::shared_ptr<const ImageEncoder> encoder, Napi::Value image, Napi::Value options)
    : encoder_(std::move(encoder)), work_(options) {
  const auto object = read_object(image, "The image", ErrorCode::bad_option);
  const Napi::Value pixels = object.Get("pixels");
  if (!pixels.IsUndefined()) {
    pixels_ = read_floats(pixels, "The image's pixels", ErrorCode::bad_option);
    return;
  }
  width_ = read_count(object.Get("width"), "The image's width", ErrorCode::bad_option);
  height_ = read_count(object.Get("height"), "The image's height", ErrorCode::bad_option);
  photo_ = read_bytes(object.Get("data"), "The image's data", ErrorCode::bad_option);
}

void EncodeTask::run() {
  const EncodeOptions options{.threads = work_.threads(), .cancelled = work_.cancelled()};
  if (width_) {
    features_ = encoder_->encode(PhotoView{*width_, *height_, photo_}, options);
  } else {
    features_ = encoder_->encode(pixels_, options);
  }
}

Napi::Value EncodeTask::result(Napi::Env env) {
  if (!features_) return env.Null();
  auto result = Napi::Object::New(env);
  result.Set("imageEmbed", float_array(env, std::move(features_->image_embed)));
  result.Set("highRes0", float_array(env, std::move(features_->high_res_0)));
  result.Set("highRes1", float_array(env, std::move(features_->high_res_1)));
  return result;
}

}  // namespace unsam::addon
