#include <algorithm>

#include "region_tree/cpu/planes.h"

namespace unsam::tree {

RegionGraph region_graph(const Superpixels& regions, const Plane& strength, Size size) {
  struct Meeting {
    std::uint64_t pair;
    double strength;
  };
  std::vector<Meeting> meetings;
  const auto meet = [&](std::size_t i, std::size_t j) {
    const auto a = static_cast<std::uint64_t>(regions.labels[i]), b = static_cast<std::uint64_t>(regions.labels[j]);
    if (a == b) return;
    const double mean = (static_cast<double>(strength[i]) + static_cast<double>(strength[j])) / 2.0;
    meetings.push_back({std::min(a, b) << 32 | std::max(a, b), mean});
  };
  for (std::size_t y = 0, i = 0; y < size.height; ++y) {
    for (std::size_t x = 0; x < size.width; ++x, ++i) {
      if (x + 1 < size.width) meet(i, i + 1);
      if (y + 1 < size.height) meet(i, i + size.width);
    }
  }
  // Stable, so that each sum adds in raster order.
  std::stable_sort(meetings.begin(), meetings.end(), [](const Meeting& a, const Meeting& b) { return a.pair < b.pair; });
  RegionGraph graph;
  graph.count = regions.count;
  for (std::size_t k = 0; k < meetings.size(); ++k) {
    if (k == 0 || meetings[k].pair != meetings[k - 1].pair) {
      graph.first.push_back(static_cast<std::int32_t>(meetings[k].pair >> 32));
      graph.second.push_back(static_cast<std::int32_t>(meetings[k].pair & 0xffffffffu));
      graph.border.push_back(0.0);
      graph.strength.push_back(0.0);
    }
    graph.border.back() += 1.0;
    graph.strength.back() += meetings[k].strength;
  }
  return graph;
}

Features region_features(const Superpixels& regions, const Channels& channels, const Lab& lab) {
  Features features;
  features.size.resize(regions.count);
  std::vector<double> sums(regions.count * kChannels), lab_sums(regions.count * 3);
  for (std::size_t i = 0; i < regions.labels.size(); ++i) {
    const auto r = static_cast<std::size_t>(regions.labels[i]);
    features.size[r] += 1.0;
    double* const target = sums.data() + r * kChannels;
    for_channels(channels, i, 1.0, [target](std::size_t k, double value) { target[k] += value; });
    lab_sums[3 * r] += static_cast<double>(lab.L[i]);
    lab_sums[3 * r + 1] += static_cast<double>(lab.a[i]);
    lab_sums[3 * r + 2] += static_cast<double>(lab.b[i]);
  }
  features.channels.resize(sums.size());
  features.lab.resize(lab_sums.size());
  for (std::size_t k = 0; k < sums.size(); ++k) {
    features.channels[k] = static_cast<float>(sums[k] / features.size[k / kChannels]);
  }
  for (std::size_t k = 0; k < lab_sums.size(); ++k) {
    features.lab[k] = static_cast<float>(lab_sums[k] / features.size[k / 3]);
  }
  return features;
}

}  // namespace unsam::tree
