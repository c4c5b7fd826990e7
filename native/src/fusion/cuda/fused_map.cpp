#include "fusion/forest_check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {

FusedMap Fusion::fuse_labels(std::span<const std::int32_t> finest, const RegionForest& forest, std::size_t width,
                             std::size_t height) const {
  check_label_map(finest, width, height);
  check_forest(forest);
  check_labels(finest, forest.parent.size());
  std::vector<std::int32_t> rank(forest.order.size());
  for (std::size_t n = 0; n < rank.size(); ++n) rank[static_cast<std::size_t>(forest.order[n])] = static_cast<std::int32_t>(n);
  FusedMap map{std::vector<std::uint16_t>(finest.size()), std::vector<std::uint16_t>(finest.size())};
  FusionCall call(*state_);
  const ForestView view = {call.upload(std::span<const std::int32_t>(forest.parent)),
                           call.upload(std::span<const std::int32_t>(rank)),
                           call.upload(std::span<const std::uint16_t>(forest.level))};
  std::uint16_t* edges = call.device<std::uint16_t>(2 * finest.size());
  kernels::fuse_labels(call.upload(finest), view, static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height),
                       edges, edges + finest.size(), call.stream());
  call.download(map.right.data(), edges, finest.size());
  call.download(map.below.data(), edges + finest.size(), finest.size());
  return map;
}

}  // namespace unsam::cuda
