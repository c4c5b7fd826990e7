#include "decoder/cuda/image.h"

#include <algorithm>

namespace unsam::cuda {
namespace {

int padded(int tokens) { return (tokens + kTile - 1) / kTile * kTile; }

}  // namespace

std::shared_ptr<const Positions> make_positions(const Constants& constants, bool bf16, const std::shared_ptr<MemoryPool>& pool,
                                                int side) {
  ImageBuffers buffers{};
  buffers.side = side;
  buffers.tokens = side * side;
  buffers.padded = padded(buffers.tokens);
  const auto rows = static_cast<std::size_t>(buffers.padded);
  auto result = std::make_shared<Positions>(Positions{side, DeviceArray<char>(pool, rows * kPositionRows * element_bytes(bf16))});
  const DeviceArray<float> grid(pool, rows * kDim);
  buffers.grid = grid.data();
  buffers.positions = result->products.data();
  const Stream stream;
  prepare_positions(bf16, constants.view, buffers, stream.get());
  stream.synchronize();
  return result;
}

std::shared_ptr<const PreparedImage> make_image(const Constants& constants, bool bf16, const std::shared_ptr<MemoryPool>& pool,
                                                const ImageFeatures& features, std::shared_ptr<const Positions> positions,
                                                const void* owner) {
  auto image = std::make_shared<PreparedImage>();
  image->owner = owner;
  const int side = static_cast<int>(features.side), tokens = side * side;
  const auto rows = static_cast<std::size_t>(padded(tokens)), element = element_bytes(bf16);
  image->products = DeviceArray<char>(pool, rows * kProductRows * element);
  image->high_res_1 = DeviceArray<char>(pool, rows * 4 * kUp1 * element);
  image->high_res_0 = DeviceArray<char>(pool, rows * 16 * kUp0 * element);
  image->norms = DeviceArray<float>(pool, rows * 3);
  image->embed = DeviceArray<float>(pool, features.image_embed.size());
  image->positions = std::move(positions);
  image->view = {side,
                 tokens,
                 padded(tokens),
                 image->products.data(),
                 image->norms.data(),
                 image->positions->products.data(),
                 image->high_res_1.data(),
                 image->high_res_0.data(),
                 image->embed.data()};

  // One pinned copy of all three maps; the two high-resolution ones are on the device only until they are rearranged.
  const DeviceArray<float> high_1(pool, features.high_res_1.size()), high_0(pool, features.high_res_0.size());
  const PinnedArray<float> host(features.image_embed.size() + features.high_res_1.size() + features.high_res_0.size());
  const Stream stream;
  float* next = host.data();
  const auto send = [&](std::span<const float> from, float* to) {
    std::copy(from.begin(), from.end(), next);
    copy_to_device(to, next, from.size_bytes(), stream.get());
    next += from.size();
  };
  send(features.image_embed, image->embed.data());
  send(features.high_res_1, high_1.data());
  send(features.high_res_0, high_0.data());
  const ImageBuffers buffers{side,
                             tokens,
                             image->view.padded,
                             image->embed.data(),
                             high_0.data(),
                             high_1.data(),
                             nullptr,
                             image->products.data(),
                             image->norms.data(),
                             image->positions->products.data(),
                             image->high_res_1.data(),
                             image->high_res_0.data()};
  prepare_image(bf16, constants.view, buffers, stream.get());
  stream.synchronize();
  return image;
}

}  // namespace unsam::cuda
