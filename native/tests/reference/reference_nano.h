// The nano network as plainly as possible and in double: one loop per formula, planes of channels. It shares nothing with the
// encoder it checks.
#pragma once

#include <vector>

#include "random_nano.h"

namespace test {

struct ReferenceCues {
  std::vector<double> border, height, metric;
};

ReferenceCues reference_nano(const unsam::RandomNano& model, const std::vector<float>& pixels, std::size_t width,
                             std::size_t height);

}  // namespace test
