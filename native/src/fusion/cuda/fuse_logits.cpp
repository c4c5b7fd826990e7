#include <string>

#include "fusion/check.h"
#include "fusion/check_fusion.h"
#include "fusion/forest_of_parents.h"
#include "fusion/order.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {
namespace {

// Masks lie in the order of their scores from the beginning, so a position is a rank. Up to the parents everything stays on
// the device; then it is known which masks stay, and only those, the labels and a few numbers each come back.
template <typename Maps>
FusedScene fuse(Fusion::State& state, const Maps& maps, std::span<const double> scores,
                std::span<const double> granularities, const FusionOptions& options) {
  const std::size_t count = maps.count, pixels = maps.width * maps.height;
  const std::vector<std::int32_t> order = by_score(scores);
  const std::vector<double> falling = pick(scores, order);
  FusionCall call(state);
  const DeviceMasks masks = make_masks(call, maps, options.thresholds, order);
  const Relations bits = {zero_relation(call, count), zero_relation(call, count)};
  kernels::relations(masks.words, masks.tallies, count, masks.shape, options.max_iou, options.containment, bits,
                     call.stream());
  std::uint32_t* stays_there = stays_after(call, bits.strikes, count, masks.tallies, options.min_area);
  std::int32_t* parents_there = call.device<std::int32_t>(count);
  kernels::find_parents(bits.holds, masks.tallies, call.upload(std::span<const double>(falling)), stays_there, count,
                        parents_there, call.stream());
  const Tally* tallies = call.fetch(masks.tallies, count);
  const std::uint32_t* stays = call.fetch(stays_there, words_per_row(count));
  const std::int32_t* parents = call.fetch(parents_there, count);
  call.wait();

  FusedScene scene;
  const std::vector<std::int32_t> stay = set_bits(stays, count);
  scene.kept = pick<std::int32_t>(order, stay);
  MaskStatistics& s = scene.statistics;
  s.masks = {stay.size(), maps.width, maps.height, {}};
  read_tallies(pick(std::span<const Tally>(tallies, count), stay).data(), stay.size(), 0, s);
  std::vector<std::int32_t> place(count, -1), parent(stay.size());
  for (std::size_t n = 0; n < stay.size(); ++n) place[static_cast<std::size_t>(stay[n])] = static_cast<std::int32_t>(n);
  for (std::size_t n = 0; n < stay.size(); ++n) {
    const std::int32_t up = parents[stay[n]];
    parent[n] = up < 0 ? -1 : place[static_cast<std::size_t>(up)];
  }
  scene.forest = forest_of_parents(std::move(parent), s.areas, pick(scores, scene.kept), pick(granularities, scene.kept));
  if (stay.empty()) {
    scene.finest.resize(pixels);
    return scene;
  }
  std::uint32_t* kept_there = call.device<std::uint32_t>(stay.size() * masks.shape.words());
  std::int32_t* labels_there = call.device<std::int32_t>(pixels);
  kernels::gather_masks(masks.words, call.upload(std::span<const std::int32_t>(stay)), stay.size(), masks.shape, kept_there,
                        call.stream());
  kernels::finest_labels(kept_there, call.upload(std::span<const std::int32_t>(scene.forest.order)), stay.size(), masks.shape,
                         labels_there, call.stream());
  s.masks.words.resize(stay.size() * masks.shape.words());  // while the device works
  scene.finest.resize(pixels);
  call.download(s.masks.words.data(), kept_there, s.masks.words.size());
  call.download(scene.finest.data(), labels_there, pixels);
  return scene;
}

}  // namespace

FusedScene Fusion::fuse_logits(const LogitMaps& maps, std::span<const double> scores, std::span<const double> granularities,
                               const FusionOptions& options) const {
  check_fusion(maps.count, scores, granularities, options);
  unsam::check_logit_maps(maps);
  return fuse(*state_, maps, scores, granularities, options);
}

FusedScene Fusion::fuse_logits(const DeviceLogitMaps& maps, std::span<const double> scores,
                               std::span<const double> granularities, const FusionOptions& options) const {
  check_fusion(maps.count, scores, granularities, options);
  check_logit_maps(maps);
  return fuse(*state_, maps, scores, granularities, options);
}

}  // namespace unsam::cuda
