#pragma once

#include <memory>
#include <optional>

#include "backend/backend.h"
#include "task.h"
#include "tensors.h"

namespace unsam::addon {

// createDecoder(weights, { precision, device }): folds the weights into the products the decoder works with.
class CreateTask : public Task {
 public:
  CreateTask(Napi::Value weights, Napi::Value options);

 protected:
  void run() override;
  Napi::Value result(Napi::Env env) override;

 private:
  std::optional<OwnedTensors> tensors_;
  std::size_t bytes_ = 0;      // of the tensors
  Precision precision_;
  std::optional<int> device_;  // of CUDA; none: the processor
  std::shared_ptr<const Backend> decoder_;
};

}  // namespace unsam::addon
