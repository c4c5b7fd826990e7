// Everything one prompt needs while it is decoded. Buffers are kept between calls (workspace.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decoder/cpu/buffer.h"
#include "decoder/cpu/image_rows.h"
#include "unsam/decoder.h"

namespace unsam {

// A small matrix multiplied with blocks of image tokens, in the type the decoder's precision asks for.
struct Operand {
  Buffer<float> f32;
  Buffer<std::uint16_t> bf16;  // only filled for Precision::bfloat16
};

// The small matrices that the passes over the image multiply with, as far as they follow from the values of image->token
// attention alone (folded.h). C columns: as PromptWork.
struct TermMatrices {
  const float *from_value1, *from_value2;  // panels [panel][C][64] (folded.h)
  Operand gram1;       // [C][C] upper triangle of M1 M1^T, off-diagonal doubled
  Operand to_score1;   // [C][C] layer 1 token->image scores from the first term; long: keys
  Operand to_value1;   // [C][C] long: layer 1 token->image values
  Operand to_query1;   // [C][C] layer 1 image->token scores from the first term; long: queries
  Operand gram12;      // [2C][2C] upper triangle for |r2|^2, off-diagonal doubled
  Operand to_upscale;  // [4 * kUp1][2C]
  Buffer<float> linear12;  // [2C] twice the products with beta
};

// Partial results of a softmax over image tokens, one entry per chunk.
struct Partials {
  std::size_t width;      // values per row
  Buffer<float> max, sum; // [chunks][rows]
  Buffer<float> values;   // [chunks][rows][width]
};

struct PromptWork {
  const Prompt* prompt;
  std::size_t first_row;   // of this prompt's tokens in the group's rows
  std::size_t tokens;      // T
  // Which of the two orders of computation (order.h): what each image token keeps of its attention over the prompt is
  // short: the attention itself, 8 T numbers, index head * T + token; long: its mixture of the tokens' values, kInner.
  bool is_long;
  std::size_t columns;     // C, how many those are
  std::vector<std::size_t> final_tokens;  // tokens read after the transformer
  std::size_t final_columns;              // 8 x their number

  // Token-side inputs of the passes over the image, [tokens][kInner] each, heads side by side.
  const float* query;
  const float* key;
  const float* value1;  // values of image->token attention, layer 0 and 1
  const float* value2;
  Buffer<float> value_twice;  // short: 2 value1, then 2 value2
  Buffer<float> final_query;  // [final tokens][kInner]

  const TermMatrices* terms;  // short: the prompt's own
  TermMatrices own_terms;
  Buffer<float> own_from_value1, own_from_value2;
  Operand to_score_final;      // [Cf][2C]
  Buffer<float> query1_shift;  // [C], short
  Buffer<float> score_shift;   // [Cf]

  ImageRows attention;               // [blocks][2C][L]: A1 / sigma1, then A2 (long: mixtures); in bfloat16 as pairs
  Buffer<float> inverse1, inverse2;  // [blocks][L]: 1 / sigma1, 1 / sigma2
  Partials partials;

  // Long: a layer's keys and values of the image tokens, and their queries, [blocks][kInner][L]; its values make room for
  // the mixtures. And keys and values of the prompt tokens, in blocks of L tokens, [blocks][kInner or kDim][L].
  Buffer<float> image_keys, image_values, image_queries;
  Buffer<float> token_keys, token_values;

  Buffer<float> mask_features;  // [blocks][kMaskChannels + 1][L], the last row 1; empty without mask prompt
  Buffer<float> mask_norms;     // [blocks][3][L]

  // Heads.
  float iou[4];
  float object_score;
  std::vector<std::int32_t> mask_tokens;  // masks to compute
  Buffer<float> hyper;                    // [masks][kUp0]
  std::vector<float> masks;               // [masks][4s, 4s]
};

}  // namespace unsam
