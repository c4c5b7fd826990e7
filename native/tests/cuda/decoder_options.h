#pragma once

#include "unsam/cuda.h"

namespace unsam::cuda {

// No memory is kept on the emulated device, so that each taker gets poisoned memory of exactly its size.
inline DecoderOptions test_options(Precision precision, bool graphs = true) {
  return {.precision = precision, .device = 0, .memory_limit = 0, .graphs = graphs, .keep_memory = false};
}

}  // namespace unsam::cuda
