#include <algorithm>
#include <vector>

#include "decoder/position.h"
#include "decoder/prepared_image.h"

namespace unsam {

std::shared_ptr<const PositionProducts> position_products(const Folded& folded, const Kernels& kernels, Crew& crew,
                                                          std::size_t side) {
  const std::size_t tokens = side * side, blocks = (tokens + kLanes - 1) / kLanes;
  auto result = std::make_shared<PositionProducts>(PositionProducts{side, Buffer<float>(blocks * kPositionRows * kLanes)});
  std::vector<Buffer<float>> scratch(crew.size());
  for (auto& s : scratch) s.reserve(kDim * kLanes);
  crew.run(blocks, [&](std::size_t block, std::size_t worker) {
    float* grid = scratch[worker].data();
    std::fill_n(grid, kDim * kLanes, 0.0f);
    for (std::size_t lane = 0; lane < std::min(kLanes, tokens - block * kLanes); ++lane) {
      const std::size_t token = block * kLanes + lane;
      float encoding[kDim];
      encode_position(folded.gaussian.data(), (static_cast<float>(token % side) + 0.5f) / static_cast<float>(side),
                      (static_cast<float>(token / side) + 0.5f) / static_cast<float>(side), encoding);
      for (std::size_t c = 0; c < kDim; ++c) grid[c * kLanes + lane] = encoding[c];
    }
    kernels.gemm({.m = kPositionRows,
                  .k = kDim,
                  .a = folded.position.data(),
                  .lda = kDim,
                  .b = grid,
                  .c = result->values.data() + block * kPositionRows * kLanes,
                  .ldc = kLanes});
  });
  return result;
}

std::shared_ptr<const PreparedImage> prepare_image(const Folded& folded, const Kernels& kernels, Crew& crew,
                                                   const ImageFeatures& features,
                                                   std::shared_ptr<const PositionProducts> position) {
  const std::size_t side = features.side, tokens = side * side, blocks = (tokens + kLanes - 1) / kLanes;
  auto image = std::make_shared<PreparedImage>();
  image->owner = &folded;
  image->side = side;
  image->tokens = tokens;
  image->blocks = blocks;
  image->embed.reserve(blocks * kDim * kLanes);
  image->products.reserve(blocks * kProductRows * kLanes);
  image->norms.reserve(blocks * 3 * kLanes);
  image->high_res_1.reserve(blocks * 4 * kUp1 * kLanes);
  image->high_res_0.reserve(blocks * 16 * kUp0 * kLanes);
  image->position = std::move(position);

  std::vector<Buffer<float>> scratch(crew.size());
  for (auto& s : scratch) s.reserve((2 * kDim + 1) * kLanes);
  crew.run(blocks, [&](std::size_t block, std::size_t worker) {
    float* x = scratch[worker].data();  // [kDim + 1][L], the last row is 1
    float* spare = x + (kDim + 1) * kLanes;
    const std::size_t first = block * kLanes, valid = std::min(kLanes, tokens - first);
    for (std::size_t c = 0; c < kDim; ++c) {
      std::copy_n(features.image_embed.data() + c * tokens + first, valid, x + c * kLanes);
      std::fill_n(x + c * kLanes + valid, kLanes - valid, 0.0f);
    }
    std::fill_n(x + kDim * kLanes, kLanes, 1.0f);
    std::copy_n(x, kDim * kLanes, image->embed.data() + block * kDim * kLanes);

    float* products = image->products.data() + block * kProductRows * kLanes;
    const float* positions = image->position->values.data() + block * kPositionRows * kLanes;
    const auto multiply = [&](std::size_t row, std::size_t rows, const float* start) {
      kernels.gemm({.m = rows,
                    .k = kDim + 1,
                    .a = folded.products.data() + row * (kDim + 1),
                    .lda = kDim + 1,
                    .b = x,
                    .c = products + row * kLanes,
                    .ldc = kLanes,
                    .c0 = start,
                    .ld0 = kLanes});
    };
    multiply(kKey0, kInner, positions + kPositionKey0 * kLanes);
    multiply(kValue0, kInner, nullptr);
    multiply(kQuery0, kInner, positions + kPositionQuery0 * kLanes);
    multiply(kNorm1, kProductRows - kNorm1, nullptr);
    kernels.image_norms(x, folded.out_bias0.data(), folded.gain1.data(), folded.beta.data(), spare,
                        image->norms.data() + block * 3 * kLanes);

    // High-resolution maps by sub-pixel: token (y, x) owns 2 x 2 cells of level 1 and 4 x 4 of level 0.
    std::size_t corner1[kLanes], corner0[kLanes];  // a token's first cell in each map; padding lanes repeat the last token
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::size_t token = first + std::min(lane, valid - 1), ty = token / side, tx = token % side;
      corner1[lane] = 2 * ty * 2 * side + 2 * tx;
      corner0[lane] = 4 * ty * 4 * side + 4 * tx;
    }
    float* level1 = image->high_res_1.data() + block * 4 * kUp1 * kLanes;
    float* level0 = image->high_res_0.data() + block * 16 * kUp0 * kLanes;
    for (std::size_t sub = 0; sub < 4; ++sub) {
      for (std::size_t c = 0; c < kUp1; ++c, level1 += kLanes) {
        const float* map = features.high_res_1.data() + c * 4 * tokens + sub / 2 * 2 * side + sub % 2;
        const float bias = folded.upscale_bias[sub * kUp1 + c];
        for (std::size_t lane = 0; lane < kLanes; ++lane) level1[lane] = map[corner1[lane]] + bias;
      }
      for (std::size_t sub0 = 0; sub0 < 4; ++sub0) {
        const std::size_t dy = sub / 2 * 2 + sub0 / 2, dx = sub % 2 * 2 + sub0 % 2;
        for (std::size_t c = 0; c < kUp0; ++c, level0 += kLanes) {
          const float* map = features.high_res_0.data() + c * 16 * tokens + dy * 4 * side + dx;
          const float bias = folded.upscale1_bias[c];
          for (std::size_t lane = 0; lane < kLanes; ++lane) level0[lane] = map[corner0[lane]] + bias;
        }
      }
    }
  });
  return image;
}

std::size_t memory_bytes(const PreparedImage& image) noexcept {
  constexpr std::size_t rows = kDim + kProductRows + 3 + 4 * kUp1 + 16 * kUp0;
  return image.blocks * rows * kLanes * sizeof(float);
}

}  // namespace unsam
