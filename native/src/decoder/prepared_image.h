#pragma once

#include <cstddef>
#include <memory>

#include "decoder/buffer.h"
#include "decoder/folded.h"
#include "unsam/decoder.h"

namespace unsam {

// Position products of one grid size, shared by all images of that size: [blocks][kPositionRows][L].
struct PositionProducts {
  std::size_t side;
  Buffer<float> values;
};

// What does not depend on the prompt, by blocks of L image tokens. Rows of 64 floats throughout.
class PreparedImage {
 public:
  const void* owner;      // the decoder's constants these products were made with
  std::size_t side;       // s
  std::size_t tokens;     // s * s
  std::size_t blocks;     // ceil(tokens / L); lanes beyond `tokens` hold products of a zero embedding
  Buffer<float> embed;    // [blocks][kDim][L]: image embedding, only read when there is a mask prompt
  Buffer<float> products; // [blocks][kProductRows][L]
  Buffer<float> norms;    // [blocks][3][L]: |x~|^2, |y0|^2, y0 . beta
  Buffer<float> high_res_1;  // [blocks][4][kUp1][L], upscale_bias added; sub-pixel 2 dy + dx
  Buffer<float> high_res_0;  // [blocks][4][4][kUp0][L], upscale1_bias added
  std::shared_ptr<const PositionProducts> position;

  std::size_t chunks() const { return (blocks + kChunkBlocks - 1) / kChunkBlocks; }
};

std::shared_ptr<const PositionProducts> position_products(const Folded& folded, const Kernels& kernels, Crew& crew,
                                                          std::size_t side);

std::shared_ptr<const PreparedImage> prepare_image(const Folded& folded, const Kernels& kernels, Crew& crew,
                                                   const ImageFeatures& features,
                                                   std::shared_ptr<const PositionProducts> position);

}  // namespace unsam
