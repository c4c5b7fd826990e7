#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "../task.h"
#include "unsam/encoder.h"
#include "work_options.h"

namespace unsam::addon {

// encoder.encode(image, { threads, cancel })
class EncodeTask : public Task {
 public:
  EncodeTask(std::shared_ptr<const ImageEncoder> encoder, Napi::Value image, Napi::Value options);

 protected:
  void run() override;
  Napi::Value result(Napi::Env env) override;

 private:
  std::shared_ptr<const ImageEncoder> encoder_;
  std::optional<std::size_t> width_, height_;  // of a photo; none: pixels_
  std::vector<std::uint8_t> photo_;
  std::vector<float> pixels_;
  WorkOptions work_;
  std::optional<EncodedFeatures> features_;
};

}  // namespace unsam::addon
