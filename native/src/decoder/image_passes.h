// The passes over the image tokens. Each function handles one chunk (kChunkBlocks blocks) for one prompt; chunks are
// independent, so any number of threads gives the same bits.
#pragma once

#include <vector>

#include "decoder/block_math.h"
#include "decoder/mask_prompt.h"
#include "decoder/prepared_image.h"

namespace unsam {

// Scratch of one thread.
struct PassScratch {
  Buffer<float> products;  // products with a mask prompt: [kChunkBlocks][rows of the pass][L]
  Buffer<float> scores;    // [kChunkBlocks][columns][L]
  Buffer<float> rows;      // [2 columns][L] and the like
  Buffer<float> small;     // a few [L]
  Buffer<std::uint16_t> packed;  // [columns][L] bfloat16 pairs
  Buffer<float> upscaled;  // [kUp1][L] + [kUp0][L] + masks [m][16][L]

  void reserve(std::size_t max_columns, std::size_t max_masks);
};

struct ImagePasses {
  const Folded& folded;
  const PreparedImage& image;
  BlockMath math;

  // Token->image attention of layer 0.
  void attend0(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Image->token attention of layer 0 with its norm, and token->image attention of layer 1.
  void attend1(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Image->token attention of layer 1 with its norm, and the last token->image attention.
  void attend_final(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;
  // Upscaling and the masks' dot products, straight into work.masks.
  void upscale(PromptWork& work, std::size_t chunk, PassScratch& scratch) const;

 private:
  struct Products {
    const float* base;
    std::size_t block;  // distance of consecutive blocks
    const float* at(std::size_t b, std::size_t row) const { return base + b * block + row * kLanes; }
  };
  // Rows [first, first + rows) of the image's products for the blocks of a chunk, a mask prompt's share added.
  Products products(const PromptWork& work, std::size_t chunk, std::size_t first, std::size_t rows,
                    PassScratch& scratch) const;
  const float* norms(const PromptWork& work, std::size_t block) const;
  std::size_t blocks_of(std::size_t chunk) const;
  std::size_t valid_of(std::size_t chunk) const;  // lanes in use in the chunk's last block
};

}  // namespace unsam
