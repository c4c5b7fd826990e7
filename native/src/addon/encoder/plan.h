#pragma once

#include <napi.h>

#include "unsam/encoder.h"

namespace unsam::addon {

// The first argument of createImageEncoder. Throws Error(bad_option).
EncoderPlan read_plan(Napi::Value value);

}  // namespace unsam::addon
