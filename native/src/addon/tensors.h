// Tensors and what goes with them, as arguments.
#pragma once

#include <napi.h>

#include <cstddef>
#include <list>
#include <string>
#include <vector>

#include "unsam/decoder.h"
#include "unsam/weights.h"

namespace unsam::addon {

// A record of tensors, copied. Throws Error(bad_checkpoint).
struct OwnedTensors {
  explicit OwnedTensors(Napi::Value record);

  TensorMap tensors;
  std::list<std::vector<float>> memory;
  std::size_t bytes = 0;
};

std::vector<std::size_t> read_shape(Napi::Value value, const std::string& what);

// Throws Error(bad_option).
Precision read_precision(Napi::Value value);

}  // namespace unsam::addon
