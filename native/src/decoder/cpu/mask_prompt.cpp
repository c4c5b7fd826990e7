#include "decoder/cpu/mask_prompt.h"

#include <algorithm>
#include <cmath>

namespace unsam {
namespace {

// LayerNorm over `channels` rows of [channels][L], lane by lane.
void normalise(std::size_t channels, float* x, const float* gain, const float* shift) {
  const float n = static_cast<float>(channels);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    float mean = 0.0f, square = 0.0f;
    for (std::size_t c = 0; c < channels; ++c) mean += x[c * kLanes + lane];
    mean /= n;
    for (std::size_t c = 0; c < channels; ++c) {
      const float d = x[c * kLanes + lane] - mean;
      square += d * d;
    }
    const float inverse = 1.0f / std::sqrt(square / n + 1e-6f);
    for (std::size_t c = 0; c < channels; ++c) {
      x[c * kLanes + lane] = (x[c * kLanes + lane] - mean) * inverse * gain[c] + shift[c];
    }
  }
}

}  // namespace

void embed_mask(const Folded& folded, const Kernels& kernels, const PreparedImage& image, PromptWork& work,
                std::size_t block, float* scratch) {
  constexpr std::size_t middle = 4;
  const float* logits = work.prompt->mask_logits.data();
  const std::size_t first = block * kLanes, valid = std::min(kLanes, image.tokens - first);
  float* features = work.mask_features.data() + block * (kMaskChannels + 1) * kLanes;
  for (std::size_t c = 0; c < kMaskChannels; ++c) std::fill_n(features + c * kLanes, kLanes, folded.mask_bias1[c]);
  std::fill_n(features + kMaskChannels * kLanes, kLanes, 1.0f);

  float* pixels = scratch;             // [4][L]
  float* hidden = scratch + 4 * kLanes;  // [4][L]
  for (std::size_t sub = 0; sub < 4; ++sub) {  // position in the 2 x 2 kernel of the second convolution
    for (std::size_t tap = 0; tap < 4; ++tap) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const std::size_t token = first + std::min(lane, valid - 1);
        const std::size_t y = 4 * (token / image.side) + 2 * (sub / 2) + tap / 2;
        const std::size_t x = 4 * (token % image.side) + 2 * (sub % 2) + tap % 2;
        pixels[tap * kLanes + lane] = logits[y * 4 * image.side + x];
      }
    }
    for (std::size_t c = 0; c < middle; ++c) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        float sum = folded.mask_bias0[c];
        for (std::size_t tap = 0; tap < 4; ++tap) sum += folded.mask_conv0[c * 4 + tap] * pixels[tap * kLanes + lane];
        hidden[c * kLanes + lane] = sum;
      }
    }
    normalise(middle, hidden, folded.mask_gain0.data(), folded.mask_shift0.data());
    kernels.gelu(middle * kLanes, hidden);
    for (std::size_t c = 0; c < kMaskChannels; ++c) {
      for (std::size_t in = 0; in < middle; ++in) {
        const float weight = folded.mask_conv1[(c * middle + in) * 4 + sub];
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          features[c * kLanes + lane] += weight * hidden[in * kLanes + lane];
        }
      }
    }
  }
  normalise(kMaskChannels, features, folded.mask_gain1.data(), folded.mask_shift1.data());
  kernels.gelu(kMaskChannels * kLanes, features);

  float* x = scratch;
  kernels.gemm({.m = kDim,
                .k = kMaskChannels + 1,
                .a = folded.mask_embedding.data(),
                .lda = kMaskChannels + 1,
                .b = features,
                .c = x,
                .ldc = kLanes,
                .c0 = image.embed.data() + block * kDim * kLanes,
                .ld0 = kLanes});
  kernels.image_norms(x, folded.out_bias0.data(), folded.gain1.data(), folded.beta.data(), scratch + kDim * kLanes,
                      work.mask_norms.data() + block * 3 * kLanes);
}

}  // namespace unsam
