// The image encoder as plainly as possible and in double: one loop per formula, maps as channel vectors by token. It shares
// nothing with the encoder it checks.
#pragma once

#include <vector>

#include "random_encoder.h"

namespace test {

struct ReferenceFeatures {
  std::vector<double> image_embed, high_res_0, high_res_1;
};

ReferenceFeatures reference_encode(const unsam::RandomEncoder& model, const std::vector<float>& pixels);

}  // namespace test
