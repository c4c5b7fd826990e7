#pragma once

#include <list>
#include <memory>
#include <vector>

#include "task.h"
#include "unsam/decoder.h"

namespace unsam::addon {

// createDecoder(weights, { precision }): folds the weights into the products the decoder works with.
class CreateTask : public Task {
 public:
  CreateTask(Napi::Value weights, Napi::Value options);

 protected:
  void run() override;
  Napi::Value result(Napi::Env env) override;

 private:
  TensorMap tensors_;
  std::list<std::vector<float>> memory_;  // of the tensors
  std::size_t bytes_ = 0;                 // of the tensors
  DecoderOptions options_;
  std::shared_ptr<const unsam::Decoder> decoder_;
};

}  // namespace unsam::addon
