#include "decoder/check_features.h"

#include <string>

#include "cpu/layout.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxSide = 1024;  // 16384-pixel network side; beyond that a size is surely a mistake

}  // namespace

void check_features(const ImageFeatures& f) {
  if (f.side == 0 || f.side > kMaxSide) {
    throw Error(ErrorCode::bad_features, "The image embedding's side is " + std::to_string(f.side) + "; use 1 to " +
                                             std::to_string(kMaxSide) + ".");
  }
  const auto check = [&](const char* name, std::size_t size, std::size_t channels, std::size_t side) {
    if (size == channels * side * side) return;
    throw Error(ErrorCode::bad_features, std::string("The image features \"") + name + "\" hold " + std::to_string(size) +
                                             " values where " + std::to_string(channels) + " x " + std::to_string(side) +
                                             " x " + std::to_string(side) + " are needed.");
  };
  check("image_embed", f.image_embed.size(), kDim, f.side);
  check("high_res_0", f.high_res_0.size(), kUp0, 4 * f.side);
  check("high_res_1", f.high_res_1.size(), kUp1, 2 * f.side);
}

}  // namespace unsam
