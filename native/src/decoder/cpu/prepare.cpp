#include <algorithm>
#include <vector>

#include "decoder/position.h"
#include "decoder/cpu/prepared_image.h"

namespace unsam {

std::shared_ptr<const PositionProducts> position_products(const Folded& folded, const Kernels& kernels, ThreadTeam& team,
                                                          const Bfloat16Kernels* bf16, std::size_t side) {
  const std::size_t tokens = side * side, blocks = (tokens + kLanes - 1) / kLanes;
  auto result = std::make_shared<PositionProducts>();
  result->side = side;
  result->values.f32.reserve(blocks * kPositionRows * kLanes);
  if (bf16 != nullptr) result->values.half.reserve(blocks * kPositionRows * kLanes);
  std::vector<Buffer<float>> scratch(team.size());
  for (auto& s : scratch) s.reserve(kDim * kLanes);
  team.run(blocks, [&](std::size_t block, std::size_t worker) {
    float* grid = scratch[worker].data();
    std::fill_n(grid, kDim * kLanes, 0.0f);
    for (std::size_t lane = 0; lane < std::min(kLanes, tokens - block * kLanes); ++lane) {
      const std::size_t token = block * kLanes + lane;
      float encoding[kDim];
      encode_position(folded.gaussian.data(), (static_cast<float>(token % side) + 0.5f) / static_cast<float>(side),
                      (static_cast<float>(token / side) + 0.5f) / static_cast<float>(side), encoding);
      for (std::size_t c = 0; c < kDim; ++c) grid[c * kLanes + lane] = encoding[c];
    }
    float* values = result->values.f32.data() + block * kPositionRows * kLanes;
    kernels.gemm({.m = kPositionRows,
                  .k = kDim,
                  .a = folded.position.data(),
                  .lda = kDim,
                  .b = grid,
                  .c = values,
                  .ldc = kLanes});
    if (bf16 != nullptr) bf16->to_pairs(kPositionRows, values, result->values.half.data() + block * kPositionRows * kLanes);
  });
  return result;
}

namespace {

// What one image is prepared with, block by block.
struct Preparation {
  const Folded& folded;
  const Kernels& kernels;
  const Bfloat16Kernels* bf16;
  const ImageFeatures& features;
  PreparedImage& image;

  void reserve() const;
  void prepare(std::size_t block, float* scratch) const;
  void multiply_all(std::size_t block, const float* x, float* exact) const;
  void gather_high_resolution(std::size_t block, float* exact) const;
};

constexpr std::size_t kBefore = (2 * kDim + 1) * kLanes;  // of a worker's scratch, before what is rounded afterwards

void Preparation::reserve() const {
  const auto rows_of = [&](auto& buffer, std::size_t rows) {
    buffer.reserve(image.blocks * rows * kLanes);
    image.bytes += image.blocks * rows * kLanes * sizeof(buffer[0]);
  };
  rows_of(image.embed, kDim);
  rows_of(image.norms, 3);
  rows_of(image.products.f32, bf16 != nullptr ? kExactRows : kProductRows);
  if (bf16 != nullptr) {
    rows_of(image.products.half, kRoundedRows);
    rows_of(image.high_res_1.half, 4 * kUp1);
    rows_of(image.high_res_0.half, 16 * kUp0);
  } else {
    rows_of(image.high_res_1.f32, 4 * kUp1);
    rows_of(image.high_res_0.f32, 16 * kUp0);
  }
}

void Preparation::prepare(std::size_t block, float* scratch) const {
  float* x = scratch;  // [kDim + 1][L], the last row is 1
  float* spare = x + (kDim + 1) * kLanes;
  float* exact = scratch + kBefore;
  const std::size_t tokens = image.tokens, first = block * kLanes, valid = std::min(kLanes, tokens - first);
  for (std::size_t c = 0; c < kDim; ++c) {
    std::copy_n(features.image_embed.data() + c * tokens + first, valid, x + c * kLanes);
    std::fill_n(x + c * kLanes + valid, kLanes - valid, 0.0f);
  }
  std::fill_n(x + kDim * kLanes, kLanes, 1.0f);
  std::copy_n(x, kDim * kLanes, image.embed.data() + block * kDim * kLanes);
  multiply_all(block, x, exact);
  kernels.image_norms(x, folded.out_bias0.data(), folded.gain1.data(), folded.beta.data(), spare,
                      image.norms.data() + block * 3 * kLanes);
  gather_high_resolution(block, exact);
}

void Preparation::multiply_all(std::size_t block, const float* x, float* exact) const {
  float* products = bf16 != nullptr ? exact : image.products.f32.data() + block * kProductRows * kLanes;
  const float* positions = image.position->values.f32.data() + block * kPositionRows * kLanes;
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
  if (bf16 != nullptr) {
    float* kept = image.products.f32.data() + block * kExactRows * kLanes;
    std::uint16_t* rounded = image.products.half.data() + block * kRoundedRows * kLanes;
    for (const std::size_t set : {kKey0, kQuery0}) {
      std::copy_n(products + set * kLanes, kInner * kLanes, kept + exact_row(set) * kLanes);
    }
    round_products(*bf16, kValue0, kInner, products + kValue0 * kLanes, rounded + rounded_row(kValue0) * kLanes);
    round_products(*bf16, kNorm1, kProductRows - kNorm1, products + kNorm1 * kLanes, rounded + rounded_row(kNorm1) * kLanes);
  }
}

// High-resolution maps by sub-pixel: token (y, x) owns 2 x 2 cells of level 1 and 4 x 4 of level 0.
void Preparation::gather_high_resolution(std::size_t block, float* exact) const {
  const std::size_t side = image.side, tokens = image.tokens, first = block * kLanes, valid = std::min(kLanes, tokens - first);
  std::size_t corner1[kLanes], corner0[kLanes];  // a token's first cell in each map; padding lanes repeat the last token
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::size_t token = first + std::min(lane, valid - 1), ty = token / side, tx = token % side;
    corner1[lane] = 2 * ty * 2 * side + 2 * tx;
    corner0[lane] = 4 * ty * 4 * side + 4 * tx;
  }
  // Cells of one sub-pixel at a time: [kUp1][L] or [kUp0][L] starting at row `at`.
  const auto gather = [&](ImageRows& level, std::size_t at, std::size_t channels, const float* map, std::size_t map_size,
                          const std::size_t* corners, const float* bias) {
    float* out = bf16 != nullptr ? exact : level.f32.data() + at * kLanes;
    for (std::size_t c = 0; c < channels; ++c, map += map_size) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) out[c * kLanes + lane] = map[corners[lane]] + bias[c];
    }
    if (bf16 != nullptr) bf16->to_half(channels * kLanes, exact, level.half.data() + at * kLanes);
  };
  for (std::size_t sub = 0; sub < 4; ++sub) {
    gather(image.high_res_1, (block * 4 + sub) * kUp1, kUp1, features.high_res_1.data() + sub / 2 * 2 * side + sub % 2,
           4 * tokens, corner1, folded.upscale_bias.data() + sub * kUp1);
    for (std::size_t sub0 = 0; sub0 < 4; ++sub0) {
      const std::size_t dy = sub / 2 * 2 + sub0 / 2, dx = sub % 2 * 2 + sub0 % 2;
      gather(image.high_res_0, ((block * 4 + sub) * 4 + sub0) * kUp0, kUp0, features.high_res_0.data() + dy * 4 * side + dx,
             16 * tokens, corner0, folded.upscale1_bias.data());
    }
  }
}

}  // namespace

std::shared_ptr<const PreparedImage> prepare_image(const Folded& folded, const Kernels& kernels, ThreadTeam& team,
                                                   const Bfloat16Kernels* bf16, const ImageFeatures& features,
                                                   std::shared_ptr<const PositionProducts> position) {
  const std::size_t side = features.side, tokens = side * side, blocks = (tokens + kLanes - 1) / kLanes;
  auto image = std::make_shared<PreparedImage>();
  image->owner = &folded;
  image->side = side;
  image->tokens = tokens;
  image->blocks = blocks;
  image->position = std::move(position);
  const Preparation preparation{folded, kernels, bf16, features, *image};
  preparation.reserve();
  std::vector<Buffer<float>> scratch(team.size());
  for (auto& s : scratch) s.reserve(kBefore + (bf16 != nullptr ? kProductRows * kLanes : 0));
  team.run(blocks, [&](std::size_t block, std::size_t worker) { preparation.prepare(block, scratch[worker].data()); });
  return image;
}

std::size_t memory_bytes(const PreparedImage& image) noexcept { return image.bytes; }

}  // namespace unsam
