#include <algorithm>
#include <cmath>

#include "region_tree/cpu/elementary.h"
#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr double kSizePower = 0.2, kEnclosure = 0.15, kBoundary = 0.6, kColourWeight = 0.6, kTextureWeight = 0.8,
                 kLab = 0.4, kSpectral = 1.2;

double chi_square(const float* p, const float* q, std::size_t n) {
  double sum = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    const double a = p[k], b = q[k], d = a - b;
    if (d != 0.0) sum += d * d / (a + b);
  }
  return sum / 2.0;
}

double distance(const float* p, const float* q, std::size_t n) {
  double square = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    const double d = static_cast<double>(p[k]) - static_cast<double>(q[k]);
    square += d * d;
  }
  return std::sqrt(square);
}

// (share of the image of the smaller)^0.2 x (1 - 0.15 x the largest share of an outline that the two share) x weighted
// differences across the border and between the means. `outline`: pixel sides around each region, the image's own edge
// left out; `border`: those the two share; `strength`: boundary strength summed over them.
double merge_cost(const Features& f, const std::vector<double>& outline, std::size_t a, std::size_t b, double border,
                  double strength, double image_size) {
  const float *p = &f.channels[a * kChannels], *q = &f.channels[b * kChannels];
  const double colour = chi_square(p, q, kColour) / 3.0;
  const double texture = chi_square(p + kColour, q + kColour, kTexture);
  const double lab = distance(&f.lab[a * 3], &f.lab[b * 3], 3);
  const double spectral =
      distance(f.embedding.data() + a * f.dimensions, f.embedding.data() + b * f.dimensions, f.dimensions);
  return power(std::min(f.size[a], f.size[b]) / image_size, kSizePower) *
         (1.0 - kEnclosure * (border / std::min(outline[a], outline[b]))) *
         (kBoundary * (strength / border) + kColourWeight * colour + kTextureWeight * texture + kLab * (lab / (lab + 25.0)) +
          kSpectral * (spectral / (spectral + 1.0)));
}

void blend(std::vector<float>& means, std::size_t keep, std::size_t gone, std::size_t width, double share) {
  for (std::size_t k = 0; k < width; ++k) {
    const double mine = means[keep * width + k], other = means[gone * width + k];
    means[keep * width + k] = static_cast<float>(mine + share * (other - mine));
  }
}

struct Entry {
  double cost;
  std::int32_t edge, stamp;
  // For std::push_heap: the later one to be taken.
  bool operator<(const Entry& b) const { return cost != b.cost ? cost > b.cost : edge > b.edge; }
};

}  // namespace

RegionMerges merge_regions(RegionGraph graph, Features features) {
  const std::size_t count = graph.count, edges = graph.first.size(), merges = count == 0 ? 0 : count - 1;
  double image_size = 0.0;
  for (const double size : features.size) image_size += size;
  std::vector<double> outline(count);
  for (std::size_t edge = 0; edge < edges; ++edge) {
    outline[static_cast<std::size_t>(graph.first[edge])] += graph.border[edge];
    outline[static_cast<std::size_t>(graph.second[edge])] += graph.border[edge];
  }
  std::vector<std::uint8_t> alive(edges, 1);
  std::vector<std::int32_t> stamp(edges, 0), known(count, -1), node(count);
  std::vector<std::vector<std::size_t>> around(count);  // edges of each region, dead ones among them
  std::vector<std::size_t> degree(count);               // living ones
  std::vector<Entry> heap;
  heap.reserve(8 * edges);
  const auto end = [&graph](std::size_t edge, bool second) {
    return static_cast<std::size_t>(second ? graph.second[edge] : graph.first[edge]);
  };
  const auto other = [&](std::size_t edge, std::size_t region) { return end(edge, end(edge, false) == region); };
  const auto entry = [&](std::size_t edge) -> Entry {
    const double cost = merge_cost(features, outline, end(edge, false), end(edge, true), graph.border[edge],
                                   graph.strength[edge], image_size);
    return {cost, static_cast<std::int32_t>(edge), stamp[edge]};
  };
  for (std::size_t i = 0; i < count; ++i) node[i] = static_cast<std::int32_t>(i);
  for (std::size_t edge = 0; edge < edges; ++edge) {
    for (const bool second : {false, true}) {
      around[end(edge, second)].push_back(edge);
      ++degree[end(edge, second)];
    }
    heap.push_back(entry(edge));
  }
  std::make_heap(heap.begin(), heap.end());

  RegionMerges result;
  result.children.resize(2 * merges);
  result.heights.resize(merges);
  result.border.resize(merges);
  result.strength.resize(merges);
  const auto height_of = [&](std::int32_t id) {
    const auto i = static_cast<std::size_t>(id);
    return i < count ? 0.0 : result.heights[i - count];
  };
  for (std::size_t merge = 0; merge < merges; ++merge) {
    Entry top{};
    do {
      std::pop_heap(heap.begin(), heap.end());
      top = heap.back();
      heap.pop_back();
    } while (alive[static_cast<std::size_t>(top.edge)] == 0 || top.stamp != stamp[static_cast<std::size_t>(top.edge)]);
    const auto edge = static_cast<std::size_t>(top.edge);
    const std::size_t a = end(edge, false), b = end(edge, true);
    const std::size_t keep = degree[a] >= degree[b] ? a : b, gone = keep == a ? b : a;
    result.children[2 * merge] = std::min(node[a], node[b]);
    result.children[2 * merge + 1] = std::max(node[a], node[b]);
    result.heights[merge] = std::max({top.cost, height_of(node[a]), height_of(node[b])});
    result.border[merge] = graph.border[edge];
    result.strength[merge] = graph.strength[edge];
    node[keep] = static_cast<std::int32_t>(count + merge);
    alive[edge] = 0;

    std::vector<std::size_t> standing;
    standing.reserve(degree[keep] + degree[gone]);
    for (const std::size_t e : around[keep]) {
      if (alive[e] == 0) continue;
      known[other(e, keep)] = static_cast<std::int32_t>(e);
      standing.push_back(e);
    }
    for (const std::size_t e : around[gone]) {
      if (alive[e] == 0) continue;
      const std::size_t region = other(e, gone);
      if (known[region] < 0) {
        (end(e, false) == gone ? graph.first[e] : graph.second[e]) = static_cast<std::int32_t>(keep);
        standing.push_back(e);
        continue;
      }
      const auto into = static_cast<std::size_t>(known[region]);
      graph.border[into] += graph.border[e];
      graph.strength[into] += graph.strength[e];
      alive[e] = 0;
      --degree[region];
    }
    for (const std::size_t e : standing) known[other(e, keep)] = -1;
    around[gone] = {};
    degree[gone] = 0;
    degree[keep] = standing.size();

    const double total = features.size[keep] + features.size[gone], share = features.size[gone] / total;
    blend(features.channels, keep, gone, kChannels, share);
    blend(features.lab, keep, gone, 3, share);
    blend(features.embedding, keep, gone, features.dimensions, share);
    features.size[keep] = total;
    outline[keep] += outline[gone] - 2.0 * graph.border[edge];
    for (const std::size_t e : standing) {
      ++stamp[e];
      heap.push_back(entry(e));
      std::push_heap(heap.begin(), heap.end());
    }
    around[keep] = std::move(standing);
  }
  return result;
}

}  // namespace unsam::tree
