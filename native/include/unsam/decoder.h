// The fused SAM 2.1 / UnSAMv2 mask decoder: from image features and prompts to low-resolution mask logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam {

// What the image encoder made of one image, for a network side S with s = S / 16; memory is the caller's.
struct ImageFeatures {
  std::size_t side;                    // s; the embedding has s * s image tokens
  std::span<const float> image_embed;  // [256, s, s], `no_mem_embed` already added
  std::span<const float> high_res_0;   // [32, 4s, 4s]
  std::span<const float> high_res_1;   // [64, 2s, 2s]
};

// One prompt in the network's own frame: box corners first, then clicks, then the padding point (SAM 2 prompt encoder).
struct Prompt {
  std::span<const float> coords;         // [n, 2] x, y in pixels of the S x S frame, not yet shifted by half a pixel
  std::span<const std::int32_t> labels;  // [n] 0 background, 1 foreground, 2 and 3 box corners, -1 ignored
  std::optional<float> granularity;      // none: no granularity token
  std::span<const float> mask_logits;    // [4s, 4s], or empty; n = 0 is allowed only beside a mask
};

// Most labels of a prompt: 5000 clicks, the corners of a box and the padding point. Attention among them costs the square of
// their number.
inline constexpr std::size_t kMostLabels = 5003;

enum class Precision {
  float32,
  // bfloat16 operands (float32 sums) in the image-side matrix products; needs AVX512_BF16.
  bfloat16,
};

struct DecoderOptions {
  Precision precision = Precision::float32;
};

struct DecodeOptions {
  bool multimask = false;    // official `multimask_output`
  std::size_t threads = 1;   // including the calling one; the result does not depend on it
  // All that the decoder says, nothing chosen: every mask, the four IoU estimates and the tokens of the masks, whatever
  // `multimask` is. Videos need it, whose rules are others.
  bool every_mask = false;
};

// The masks of one prompt, chosen by the model's own rules.
struct DecodedMasks {
  std::vector<float> low_res;        // [c, 4s, 4s] logits, not clamped
  std::vector<float> predicted_iou;  // [c]; every_mask: [4]
  float object_score;                // raw logit
  std::vector<std::int32_t> tokens;  // [c] mask token of each mask; 4 is the granularity token
  std::vector<float> mask_tokens;    // [c, 256] what became of these tokens; only with every_mask
};

// An image made ready: everything that does not depend on the prompt. Immutable, may be shared between threads.
class PreparedImage;

// Memory an image holds, without what it shares with others of its size.
std::size_t memory_bytes(const PreparedImage& image) noexcept;

class Decoder {
 public:
  explicit Decoder(const DecoderWeights& weights, const DecoderOptions& options = {});
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Throws Error(bad_features) when a length does not fit `side`.
  std::shared_ptr<const PreparedImage> prepare(const ImageFeatures& features, std::size_t threads = 1) const;

  // One result per prompt, in order. `image` must come from this decoder. Safe to call from several threads at once.
  // Throws Error(bad_prompt, bad_option) before any work is done.
  std::vector<DecodedMasks> decode(const PreparedImage& image, std::span<const Prompt> prompts,
                                   const DecodeOptions& options) const;

  // Name of the instruction set in use: portable, avx2, avx512 or avx512bf16.
  const char* instruction_set() const noexcept;
  bool has_granularity() const noexcept;

  class State;

 private:
  std::unique_ptr<const State> state_;
};

}  // namespace unsam
