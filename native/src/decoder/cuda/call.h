// What the decoder's kernels read and write, as the device sees it. Symbols as in decoder/folded.h: T prompt tokens,
// C = 8 T columns (head * T + token), N image tokens. Element is uint16_t (bfloat16) or float, Product Half or float
// (cuda/device/tile_product.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/layout.h"
#include "decoder/folded.h"

namespace unsam::cuda {

inline constexpr int kTile = 32;          // image tokens per step of a pass: one per lane
inline constexpr int kMaxFinalTokens = 6; // read after the transformer (decoder/select.h)
inline constexpr int kMaxMasks = 3;       // computed per prompt
inline constexpr int kMaxGroup = 64;      // prompts per sequence of launches
inline constexpr std::size_t kMaxGroupTokens = 1024;  // ... and their tokens together

// Two neighbouring numbers, each as the sum of two bfloat16: both high parts, the first in the lower half, and both low parts.
struct alignas(8) SplitPair {
  std::uint32_t hi, lo;
};

// Linear layers as decoder/linear.h packs them.
struct LinearView {
  const float* weight;  // [panels][in][64]
  const float* bias;    // [64 panels]
  int in, out;          // out rounded up to 8
};

struct NormView {
  const float* gain;
  const float* bias;
};

// One prepared image, or what a mask prompt makes of it: token-major, rows beyond N are zero.
struct ImageView {
  int side, tokens, padded;    // s, N, N rounded up to kTile
  const void* products;        // Product [padded][kProductRows]
  const float* norms;          // [3][padded]
  const void* positions;       // Product [padded][kPositionRows]
  const void* high_res_1;      // Product [padded][4][kUp1]
  const void* high_res_0;      // Product [padded][4][4][kUp0]
  const float* embed;          // [kDim][N], for mask prompts
};

enum TokenKind : int { kOutputToken, kPoint, kIgnoredPoint, kGranularity, kNoToken };  // the last: a row of no prompt, zeros
struct TokenRow {
  int kind;
  int which;    // output token or label
  float x, y;   // point in [0, 1], or the granularity in x
};

// A prompt's place in the buffers of its group. Without tokens: a place that no prompt has.
struct PromptView {
  int tokens, columns, first_row;
  const void* products;    // the image's, or this prompt's own with its mask
  const float* norms;
  const float* mask_logits;  // [4 s, 4 s] or null
  float* mask_features;      // [padded][kMaskChannels]
  float* own_products;       // where a mask prompt's products and norms go
  float* own_norms;

  void* attention;         // Element [2C][padded]: A1 / sigma1, A2
  float* inverse1;         // [padded]
  float* inverse2;
  float* partial_max;      // [chunks][C]
  float* partial_sum;
  float* partial_values;   // [chunks][C][width]

  void* gram1;             // Element [C][C], upper triangle, off-diagonal doubled
  void* to_score1;         // Element [C][C]
  void* to_query1;         // Element [C][C]
  void* gram12;            // Element [2C][2C], as gram1
  void* to_score_final;    // Element [Cf][2C]
  void* to_upscale;        // Element [4 kUp1][2C]
  float* linear12;         // [2C]
  float* query1_shift;     // [C]
  float* score_shift;      // [Cf]
  float* to_value1;        // [C][kInner]
  float* to_value_final1;  // [C][kInner]
  float* to_value_final2;  // [C][kInner]
};

// The decoder's constants on the device.
struct ConstantsView {
  const float* products;       // [kProductRows][kDim + 1]
  const float* position;       // [kPositionRows][kDim]
  const float* mask_products;  // [kProductRows][kMaskChannels + 1]
  const float* mask_embedding; // [kDim][kMaskChannels + 1]
  const float* out_bias0;
  const float* gain1;
  const float* beta;
  float beta_square;
  const float* from_value1;    // panels of decoder/folded.h
  const float* from_value2;
  const float* beta_value1;
  const float* beta_value2;
  const float* query1_shift;
  const float* key_final_shift;
  const float* value0_shift;
  const float* value1_shift;
  const float* value_final_shift;
  const float* value_final_scaled;
  const float* upscale_shift;
  const float* upscale_bias;
  const float* upscale1_bias;
  NormView upscale_norm;
  const void* upscale1;        // Element [4 kUp0][kUp1]
  const float* output_tokens;
  const float* gaussian;
  const float* point_embeddings;
  const float* not_a_point;
  const float* granularity_embedding;
  const float* frequencies;    // [64]
  LinearView granularity[3];
  const float* mask_conv0;
  const float* mask_bias0;
  const float* mask_gain0;
  const float* mask_shift0;
  const float* mask_conv1;
  const float* mask_bias1;
  const float* mask_gain1;
  const float* mask_shift1;
};

// One group of prompts. Uploaded anew with each call, so that a recorded graph serves any image and any prompts that it has room
// for.
struct Call {
  ImageView image;
  ConstantsView constants;
  int prompts;                         // places, filled from the first on; arrays over prompts have this many
  int rows, chunks, tiles_per_chunk;   // rows: of the prompts that there are
  int final_count;                     // tokens read after the transformer
  int final_tokens[kMaxFinalTokens];
  int masks;                           // computed per prompt
  int mask_slots[kMaxMasks];           // final token each mask's hypernetwork belongs to; -1: the best of slots 3 to 5

  const TokenRow* token_rows;          // [rows]
  float* position;                     // [rows][kDim] tokens as they came
  float* query;                        // [rows][kInner]
  float* key;
  float* value1;
  float* value2;
  SplitPair* split_query;              // [rows][kInner / 2] the same four as operands, split once (prompt_matrices.h)
  SplitPair* split_key;
  SplitPair* split_value1;
  SplitPair* split_value2;
  float* attention;                    // [rows][kInner]; final: [final_count][prompts][kInner]
  float* heads;                        // [final_count][prompts][kDim] outputs of the heads
  float* logits;                       // [prompts][masks][4 s, 4 s]
  int* best;                           // [prompts] mask of 1 to 3 with the best predicted IoU
  int* chosen;                         // [prompts] which of two masks was chosen (choice.h)
  PromptView prompt[kMaxGroup];
};

}  // namespace unsam::cuda
