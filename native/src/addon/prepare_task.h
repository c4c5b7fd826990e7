#pragma once

#include <memory>
#include <vector>

#include "prepared_image.h"
#include "task.h"

namespace unsam::addon {

// decoder.prepare(features, { threads })
class PrepareTask : public Task {
 public:
  PrepareTask(std::shared_ptr<const Backend> decoder, Napi::Value features, Napi::Value options);

 protected:
  void run() override;
  Napi::Value result(Napi::Env env) override;

 private:
  std::shared_ptr<const Backend> decoder_;
  std::size_t side_;
  std::vector<float> image_embed_, high_res_0_, high_res_1_;
  std::size_t threads_;
  std::shared_ptr<const BackendImage> image_;
};

}  // namespace unsam::addon
