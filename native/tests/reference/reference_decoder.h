// The prompt encoder and mask decoder written down plainly, in double, one operation after the other: what the fused
// decoder must agree with. Slow on purpose; shares no code with it but the public types.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unsam/decoder.h"

namespace reference {

using Rows = std::vector<std::vector<double>>;  // [n][channels]

struct Output {
  std::vector<std::vector<double>> masks;  // [5 or 4][4s * 4s], index = mask token
  Rows tokens;                             // [5 or 4][256] what the masks are read with, index = mask token
  std::array<double, 4> iou;
  double object_score;
};

class Decoder {
 public:
  explicit Decoder(const unsam::DecoderWeights& weights) : w_(weights) {}
  Output run(const unsam::ImageFeatures& features, const unsam::Prompt& prompt) const;

 private:
  Rows linear(const Rows& x, const std::string& name, std::size_t out) const;
  Rows mlp(Rows x, const std::string& name, std::size_t out) const;
  void layer_norm(Rows& x, const std::string& name, double eps) const;
  Rows attention(const Rows& q, const Rows& k, const Rows& v, const std::string& name, std::size_t inner) const;
  std::vector<double> position(double x, double y) const;
  Rows prompt_tokens(const unsam::Prompt& prompt, std::size_t side) const;
  Rows mask_embedding(const unsam::Prompt& prompt, std::size_t side) const;
  // Transposed convolution, 2 x 2, stride 2: [n * n][in] to [2n * 2n][out].
  Rows upsample(const Rows& x, std::size_t n, const std::string& name, std::size_t out) const;

  const unsam::DecoderWeights& w_;
};

}  // namespace reference
