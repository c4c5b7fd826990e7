#include "prepare_task.h"

#include <utility>

#include "arguments.h"

namespace unsam::addon {

PrepareTask::PrepareTask(std::shared_ptr<const Backend> decoder, Napi::Value features, Napi::Value options)
    : decoder_(std::move(decoder)) {
  threads_ = read_count(read_object(options, "The options", ErrorCode::bad_option).Get("threads"),
                        "The option threads", ErrorCode::bad_option);
  const auto object = read_object(features, "The image features", ErrorCode::bad_features);
  side_ = read_count(object.Get("side"), "The side of the image features", ErrorCode::bad_features);
  const auto read = [&](const char* name) {
    return read_floats(object.Get(name), std::string("The image feature \"") + name + "\"", ErrorCode::bad_features);
  };
  image_embed_ = read("imageEmbed");
  high_res_0_ = read("highRes0");
  high_res_1_ = read("highRes1");
}

void PrepareTask::run() {
  image_ = decoder_->prepare({side_, image_embed_, high_res_0_, high_res_1_}, threads_);
}

Napi::Value PrepareTask::result(Napi::Env env) {
  return PreparedImage::create(environment(env).prepared_image, ImageAndDecoder{decoder_, image_});
}

}  // namespace unsam::addon
