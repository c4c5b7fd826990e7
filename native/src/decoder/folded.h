// All constants of a decoder, derived once from the weights. The algebra is explained in docs/decisions (native decoder).
//
// Notation, per image token: x0 = image embedding + dense prompt; C centres over the 256 channels;
// x~ = C (x0 + bo0), r1 = x~ + A1 M1 (A1: attention of the image token over 8 T head-token pairs, M1 = C Wo0 v1),
// x1 = g1 r1 / sigma1 + b1; y0 = C g1 x~, beta = C (b1 + bo1), r2 = (y0 + A1 C g1 M1) / sigma1 + beta + A2 M2,
// x2 = g2 r2 / sigma2 + b2. Everything the decoder reads from x1 or x2 is linear in (x0, A1, A2) up to sigma1, sigma2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "decoder/cpu/buffer.h"
#include "decoder/linear.h"
#include "unsam/weights.h"

namespace unsam {

// Rows of the image-side products L x0, [kProductRows][L] per block.
enum Product : std::size_t {
  kKey0 = 0,                        // layer 0 token->image keys (position term included)
  kValue0 = kKey0 + kInner,         // ... and values
  kQuery0 = kValue0 + kInner,       // layer 0 image->token queries (position term included)
  kNorm1 = kQuery0 + kInner,        // (C Wo0)^T x~: for |r1|^2
  kKey1 = kNorm1 + kInner,          // layer 1 token->image keys: Wk g1 x~
  kValue1 = kKey1 + kInner,         // ... values: Wv g1 x~
  kQuery1 = kValue1 + kInner,       // layer 1 image->token queries: Wq g1 x~
  kNorm2a = kQuery1 + kInner,       // (C Wo0)^T g1 y0: for |r2|^2
  kNorm2b = kNorm2a + kInner,       // (C Wo1)^T y0
  kKeyFinal = kNorm2b + kInner,     // final token->image keys: Wk g2 y0
  kValueFinal = kKeyFinal + kInner, // ... values: Wv g2 y0
  kUpscale = kValueFinal + kInner,  // first transposed convolution: Wd g2 y0, row = (2 dy + dx) * 64 + channel
  kProductRows = kUpscale + 4 * kUp1,
};

// Rows of the position products, prompt- and image-independent, [kPositionRows][L] per block.
enum PositionProduct : std::size_t {
  kPositionKey0 = 0,
  kPositionQuery0 = kPositionKey0 + kInner,
  kPositionKey1 = kPositionQuery0 + kInner,
  kPositionQuery1 = kPositionKey1 + kInner,
  kPositionKeyFinal = kPositionQuery1 + kInner,
  kPositionRows = kPositionKeyFinal + kInner,
};

// Panels (64 columns each) of the maps from v1 and v2, the values of image->token attention, [kInner] -> columns.
enum FromValue1 : std::size_t {
  kGram1 = 0,          // M1 M1^T
  kGram2 = 2,          // (C g1 M1)(C g1 M1)^T
  kToKey1 = 4,
  kToValue1 = 6,
  kToQuery1 = 8,
  kCross = 10,         // (C g1 M1) M2^T
  kToKeyFinal1 = 12,
  kToValueFinal1 = 14,
  kToUpscale1 = 16,
  kFromValue1Panels = 20,
};
enum FromValue2 : std::size_t {
  kGram3 = 0,          // M2 M2^T
  kToKeyFinal2 = 2,
  kToValueFinal2 = 4,
  kToUpscale2 = 6,
  kFromValue2Panels = 10,
};

struct SelfAttention {
  Linear q, k, v, out;
};

struct LayerNorm {
  Buffer<float> gain, bias;
};

// A three-layer MLP of the heads (ReLU between), or a single linear layer.
struct Mlp {
  Linear layers[3];
  std::size_t depth = 3;
};

struct TokenLayer {
  SelfAttention self;
  LayerNorm norm1, norm2, norm3;
  Linear to_image_q, to_image_out;  // token->image; q scaled by 1/4
  Linear mlp0, mlp1;
  Linear from_image_k, from_image_v;  // image->token; k scaled by 1/4
};

struct Folded {
  explicit Folded(const DecoderWeights& weights);

  bool has_granularity;

  // Image side.
  Buffer<float> products;         // L: [kProductRows][kDim + 1], last column constant
  Buffer<float> mask_products;    // [kProductRows][kMaskChannels + 1]: what mask features add to the products
  Buffer<float> mask_embedding;   // [kDim][kMaskChannels + 1]: what they add to x0
  Buffer<float> position;         // [kPositionRows][kDim]
  Buffer<float> out_bias0;        // bo0, [kDim]
  Buffer<float> gain1, beta;      // g1 and beta, [kDim]
  float beta_square;              // |beta|^2
  Linear from_value1, from_value2;
  Buffer<float> beta_value1;      // (C Wo0)^T g1 beta, [kInner]
  Buffer<float> beta_value2;      // (C Wo1)^T beta, [kInner]
  Buffer<float> query1_shift;     // Wq b1 + bq, [kInner]
  Buffer<float> key_final_shift;  // Wk g2 beta, [kInner]
  Buffer<float> value0_shift, value1_shift, value_final_shift;  // added to the attention's output, [kInner]
  Buffer<float> value_final_scaled;  // Wv g2 beta, times the sum of a / sigma2, [kInner]
  Buffer<float> upscale_shift;    // Wd g2 beta, [4 * kUp1]
  Buffer<float> upscale_bias;     // Wd b2 + bias, [4 * kUp1]; added to high_res_1 once per image
  LayerNorm upscale_norm;
  Buffer<float> upscale1;         // second transposed convolution, [(2 dy + dx) * 32 + channel][kUp1]
  Buffer<std::uint16_t> upscale1_bf16;
  Buffer<float> upscale1_bias;    // [kUp0]

  // Token side.
  TokenLayer layers[2];
  Linear final_q, final_out;
  LayerNorm final_norm;
  Mlp iou_head, object_head, hyper[kMaskTokens];  // hyper[0] alone serves the granularity mask
  Linear granularity[3];

  // Prompt encoder.
  Buffer<float> output_tokens;    // [7 or 6][kDim]
  std::size_t output_token_count;
  Buffer<float> gaussian;         // [2][kDim / 2]
  Buffer<float> point_embeddings; // [4][kDim]
  Buffer<float> not_a_point, granularity_embedding;
  Buffer<float> mask_conv0, mask_bias0, mask_gain0, mask_shift0;  // [4][2][2], [4] x 3
  Buffer<float> mask_conv1, mask_bias1, mask_gain1, mask_shift1;  // [16][4][2][2], [16] x 3
};

}  // namespace unsam
