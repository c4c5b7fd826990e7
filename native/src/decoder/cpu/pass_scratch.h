#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/kernels.h"
#include "decoder/cpu/buffer.h"

namespace unsam {

// Scratch of one thread in the passes over the image; C columns at most.
struct PassScratch {
  std::size_t next_chunk;  // what this thread probably works on next
  Ahead ahead;

  // Products with a mask prompt: [kChunkBlocks][rows of the pass][L].
  Buffer<float> exact, products;
  Buffer<float> scores;    // [kChunkBlocks][C][L]
  Buffer<float> rows;      // [2 C][L]
  Buffer<float> small;     // a few [L]
  Buffer<float> upscaled;  // [kUp1][L] + [kUp0][L] + masks [m][16][L]

  // Only with bfloat16.
  Buffer<float> attention;                  // [2 C][L]
  Buffer<float> widened;                    // products of a block, [rows of the pass][L]
  Buffer<std::uint16_t> rounded_products;   // as products
  Buffer<std::uint16_t> tokens;             // [4 T][2][kInner]
  Buffer<std::uint16_t> weights;            // as scores
  Buffer<std::uint16_t> lanes;              // [kChunkBlocks][2 C][L]
  Buffer<std::uint16_t> level1;             // [kUp1][L]

  void reserve(std::size_t columns, std::size_t masks, bool bf16);
};

}  // namespace unsam
