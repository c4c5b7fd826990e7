#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "prepared_image.h"
#include "task.h"

namespace unsam::addon {

// decoder.decode(image, prompts, { multimask, threads, everyMask })
class DecodeTask : public Task {
 public:
  DecodeTask(std::shared_ptr<const Backend> decoder, Napi::Value image, Napi::Value prompts,
             Napi::Value options);

 protected:
  void run() override;
  Napi::Value result(Napi::Env env) override;

 private:
  struct OwnedPrompt {
    std::vector<float> coords;
    std::vector<std::int32_t> labels;
    std::optional<float> granularity;
    std::vector<float> mask_logits;
  };
  static OwnedPrompt read_prompt(Napi::Value value, const std::string& what);

  std::shared_ptr<const Backend> decoder_;
  ImageAndDecoder image_;
  std::vector<OwnedPrompt> prompts_;
  DecodeOptions options_;
  std::vector<DecodedMasks> masks_;
};

}  // namespace unsam::addon
