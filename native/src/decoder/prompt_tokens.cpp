#include "decoder/prompt_tokens.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "decoder/position.h"

namespace unsam {

void check_prompt(const Prompt& prompt, std::size_t index, std::size_t side, bool has_granularity) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::bad_prompt, "Prompt " + std::to_string(index) + ": " + what);
  };
  const std::size_t n = prompt.labels.size();
  if (prompt.coords.size() != 2 * n) {
    fail(std::to_string(prompt.coords.size()) + " coordinates for " + std::to_string(n) +
         " labels; there must be two per label.");
  }
  if (n > kMostLabels) {
    fail("it has " + std::to_string(n) + " labels; it may have " + std::to_string(kMostLabels) +
         ": 5000 points, the corners of a box and the padding point.");
  }
  if (n == 0 && prompt.mask_logits.empty()) fail("it has neither points nor a mask; give at least one of them.");
  for (const float c : prompt.coords) {
    if (!std::isfinite(c)) fail("a coordinate is " + std::to_string(c) + "; coordinates must be finite.");
  }
  for (const std::int32_t label : prompt.labels) {
    if (label < -1 || label > 3) fail("label " + std::to_string(label) + " does not exist; use -1, 0, 1, 2 or 3.");
  }
  if (prompt.granularity.has_value()) {
    if (!has_granularity) fail("it has a granularity, but this model is a plain SAM 2 without granularity.");
    if (!std::isfinite(*prompt.granularity)) {
      fail("the granularity is " + std::to_string(*prompt.granularity) + "; it must be a finite number.");
    }
  }
  if (!prompt.mask_logits.empty()) {
    const std::size_t low = 4 * side;
    if (prompt.mask_logits.size() != low * low) {
      fail("the mask has " + std::to_string(prompt.mask_logits.size()) + " logits where " + std::to_string(low) + " x " +
           std::to_string(low) + " are needed.");
    }
    for (const float x : prompt.mask_logits) {
      if (!std::isfinite(x)) fail("a mask logit is " + std::to_string(x) + "; mask logits must be finite.");
    }
  }
}

std::size_t token_count(const Folded& folded, const Prompt& prompt) {
  return folded.output_token_count + prompt.labels.size() + (prompt.granularity.has_value() ? 1 : 0);
}

void write_points(const Folded& folded, const Kernels& kernels, const Prompt& prompt, std::size_t side, std::size_t first,
                  std::size_t count, float* out) {
  out += (folded.output_token_count + first) * kDim;
  const float network_side = static_cast<float>(side * 16);
  for (std::size_t i = first; i < first + count; ++i, out += kDim) {
    const std::int32_t label = prompt.labels[i];
    if (label < 0) {  // an ignored point is only its own embedding, without position
      std::copy_n(folded.not_a_point.data(), kDim, out);
      continue;
    }
    encode_position(folded.gaussian.data(), (prompt.coords[2 * i] + 0.5f) / network_side,
                    (prompt.coords[2 * i + 1] + 0.5f) / network_side, out);
    kernels.add(kDim, out, folded.point_embeddings.data() + static_cast<std::size_t>(label) * kDim);
  }
}

void write_other_tokens(const Folded& folded, const Kernels& kernels, const Prompt& prompt, float* out) {
  out = std::copy_n(folded.output_tokens.data(), folded.output_token_count * kDim, out) + prompt.labels.size() * kDim;
  if (!prompt.granularity.has_value()) return;
  alignas(64) float features[192], hidden[192];
  granularity_features(*prompt.granularity, features);
  ThreadTeam alone(1);
  apply(kernels, alone, 1, {{&folded.granularity[0], features, 128, hidden, 192}});
  kernels.relu(192, hidden);
  apply(kernels, alone, 1, {{&folded.granularity[1], hidden, 192, features, 192}});
  kernels.relu(192, features);
  apply(kernels, alone, 1, {{&folded.granularity[2], features, 192, out, kDim}});
  kernels.add(kDim, out, folded.granularity_embedding.data());
}

}  // namespace unsam
