#pragma once

#include <vector>

#include "cuda/runtime/memory.h"
#include "unsam/cuda.h"

namespace unsam::cuda {

struct DecodedOnDevice::State {
  std::vector<DecodedMasks> results;
  std::size_t each, side;  // masks of a prompt; of a map
  DeviceArray<float> logits;
  int device;
};

}  // namespace unsam::cuda
