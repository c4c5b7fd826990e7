#include "decoder/cpu/order.h"

#include "decoder/folded.h"

namespace unsam {
namespace {

// Products of one prompt in float32, and in the precision of the decoder's operands.
struct Products {
  double exact, rounded;
};

// What both orders do per image token with their two terms of C columns each: Gram matrices, maps of the first term to scores
// or keys, values and queries (C x C each), the last scores, the first transposed convolution.
double of_terms(double c, double final_columns) {
  return c * (c + 1) / 2 + 3 * c * c + c * (2 * c + 1) + 2 * final_columns * 2 * c + 4.0 * kUp1 * 2 * c;
}

Products short_order(double tokens, double final_tokens, double image_tokens, double parts) {
  const double c = kHeads * tokens, cf = kHeads * final_tokens, by_head = kInner * tokens;
  // Scores of layer 0, there and back; values of both token->image attentions, and with tokens in `parts` numbers each: queries
  // times keys and their position, keys times queries and theirs, three times values for the norms.
  const Products image{2 * by_head, (2 + 7 * parts) * by_head + of_terms(c, cf)};
  constexpr double panels = double{kFromValue1Panels} + double{kFromValue2Panels};
  const double matrices = tokens * kInner * panels * kLanes + kHeadDim * (6 * c * c + 2 * cf * c);
  return {image.exact * image_tokens + matrices, image.rounded * image_tokens};
}

Products long_order(double tokens, double final_tokens, double image_tokens) {
  const double cf = kHeads * final_tokens, by_head = kInner * tokens;
  // Scores and mixtures of four attentions.
  return {8 * by_head * image_tokens + kHeadDim * 2 * cf * kInner, of_terms(kInner, cf) * image_tokens};
}

}  // namespace

bool is_long(std::size_t tokens, std::size_t final_tokens, std::size_t image_tokens, const Bfloat16Kernels* bf16) {
  const auto t = static_cast<double>(tokens), tf = static_cast<double>(final_tokens), n = static_cast<double>(image_tokens);
  const double rounded = bf16 != nullptr ? bf16->cost : 1.0;
  const auto cost = [rounded](const Products& p) { return p.exact + rounded * p.rounded; };
  return cost(long_order(t, tf, n)) < cost(short_order(t, tf, n, bf16 != nullptr ? 2.0 : 1.0));
}

}  // namespace unsam
