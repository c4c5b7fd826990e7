// The library's results as JavaScript objects; their memory moves, it is not copied.
#pragma once

#include <napi.h>

#include <vector>

#include "unsam/fusion.h"
#include "unsam/masks.h"

namespace unsam::addon {

Napi::Object masks_object(Napi::Env env, MaskStack&& masks);
// Sets masks, areas, boxes and stability.
void set_statistics(Napi::Object object, MaskStatistics&& statistics);
Napi::Object forest_object(Napi::Env env, RegionForest&& forest);
// One Uint32Array per mask.
Napi::Value run_lengths_array(Napi::Env env, std::vector<RunLengths>&& run_lengths);

}  // namespace unsam::addon
