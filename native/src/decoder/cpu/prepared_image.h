#pragma once

#include <cstddef>
#include <memory>

#include "decoder/cpu/buffer.h"
#include "decoder/folded.h"
#include "decoder/cpu/image_rows.h"
#include "unsam/decoder.h"

namespace unsam {

// Position products of one grid size, shared by all images of that size: [blocks][kPositionRows][L], in bfloat16 as pairs.
struct PositionProducts {
  std::size_t side;
  ImageRows values;
};

// What does not depend on the prompt, by blocks of L image tokens. Rows of 64 floats throughout.
class PreparedImage {
 public:
  const void* owner;      // the decoder's constants these products were made with
  std::size_t side;       // s
  std::size_t tokens;     // s * s
  std::size_t blocks;     // ceil(tokens / L); lanes beyond `tokens` hold products of a zero embedding
  Buffer<float> embed;    // [blocks][kDim][L]: image embedding, only read when there is a mask prompt
  ImageRows products;     // [blocks][kProductRows][L] (bfloat16: image_rows.h)
  Buffer<float> norms;    // [blocks][3][L]: |x~|^2, |y0|^2, y0 . beta
  // Skip maps, their layer's bias added; half: float16.
  ImageRows high_res_1;  // [blocks][4][kUp1][L], sub-pixel 2 dy + dx
  ImageRows high_res_0;  // [blocks][4][4][kUp0][L]
  std::size_t bytes = 0;  // of all this, about
  std::shared_ptr<const PositionProducts> position;

  std::size_t chunks() const { return (blocks + kChunkBlocks - 1) / kChunkBlocks; }
};

// In float32 when bf16 is null.
std::shared_ptr<const PositionProducts> position_products(const Folded& folded, const Kernels& kernels, ThreadTeam& team,
                                                          const Bfloat16Kernels* bf16, std::size_t side);

std::shared_ptr<const PreparedImage> prepare_image(const Folded& folded, const Kernels& kernels, ThreadTeam& team,
                                                   const Bfloat16Kernels* bf16, const ImageFeatures& features,
                                                   std::shared_ptr<const PositionProducts> position);

}  // namespace unsam
