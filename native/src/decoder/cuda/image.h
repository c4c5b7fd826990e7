#pragma once

#include <memory>

#include "decoder/cuda/constants.h"
#include "decoder/cuda/prepare.h"
#include "unsam/cuda.h"

namespace unsam::cuda {

inline std::size_t element_bytes(bool bf16) { return bf16 ? 2 : 4; }

// Position products of one grid size, shared by all images of that size.
struct Positions {
  int side;
  DeviceArray<char> products;
};

// unsam::PreparedImage in device memory.
class PreparedImage {
 public:
  const void* owner;
  ImageView view;
  DeviceArray<char> products, high_res_1, high_res_0;
  DeviceArray<float> norms, embed;
  std::shared_ptr<const Positions> positions;
};

std::shared_ptr<const Positions> make_positions(const Constants& constants, bool bf16, const std::shared_ptr<MemoryPool>& pool,
                                                int side);
std::shared_ptr<const PreparedImage> make_image(const Constants& constants, bool bf16, const std::shared_ptr<MemoryPool>& pool,
                                                const ImageFeatures& features, std::shared_ptr<const Positions> positions,
                                                const void* owner);

}  // namespace unsam::cuda
