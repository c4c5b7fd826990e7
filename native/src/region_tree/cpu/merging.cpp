#include <algorithm>
#include <cmath>
#include <utility>

#include "region_tree/cpu/elementary.h"
#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr double kSizePower = 0.2, kEnclosure = 0.15, kBoundary = 0.6, kLab = 0.4, kSpectral = 1.2, kMetric = 0.5;
// A learned metric sees some of the same differences of colour and texture.
struct LookWeights {
  double colour, texture;
};
constexpr LookWeights kAlone{0.6, 0.8}, kBesideMetric{0.3, 0.4};

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

// The part of the cost that a learned metric adds: its distance between the means, saturating.
double learned_cost(const Features& f, std::size_t a, std::size_t b) {
  const std::size_t n = f.metric_dimensions;
  if (n == 0) return 0.0;
  const double apart = distance(f.metric.data() + a * n, f.metric.data() + b * n, n);
  return kMetric * (apart / (apart + 1.0));
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
  const auto& [colour_weight, texture_weight] = f.metric_dimensions > 0 ? kBesideMetric : kAlone;
  return power(std::min(f.size[a], f.size[b]) / image_size, kSizePower) *
         (1.0 - kEnclosure * (border / std::min(outline[a], outline[b]))) *
         (kBoundary * (strength / border) + colour_weight * colour + texture_weight * texture + kLab * (lab / (lab + 25.0)) +
          kSpectral * (spectral / (spectral + 1.0)) + learned_cost(f, a, b));
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

// Regions and the edges between them while they merge. An edge keeps its index; where two edges meet the same pair of
// regions, one of them takes the other in and the other one dies.
class Merging {
 public:
  Merging(RegionGraph graph, Features features)
      : graph_(std::move(graph)), features_(std::move(features)), count_(graph_.count), alive_(graph_.first.size(), 1),
        stamp_(graph_.first.size(), 0), known_(count_, -1), node_(count_), outline_(count_), around_(count_), degree_(count_) {
    const std::size_t edges = graph_.first.size();
    for (const double size : features_.size) image_size_ += size;
    for (std::size_t edge = 0; edge < edges; ++edge) {
      outline_[end(edge, false)] += graph_.border[edge];
      outline_[end(edge, true)] += graph_.border[edge];
    }
    heap_.reserve(8 * edges);
    for (std::size_t i = 0; i < count_; ++i) node_[i] = static_cast<std::int32_t>(i);
    for (std::size_t edge = 0; edge < edges; ++edge) {
      for (const bool second : {false, true}) {
        around_[end(edge, second)].push_back(edge);
        ++degree_[end(edge, second)];
      }
      heap_.push_back(entry(edge));
    }
    std::make_heap(heap_.begin(), heap_.end());
  }

  RegionMerges run() {
    const std::size_t merges = count_ == 0 ? 0 : count_ - 1;
    result_.children.resize(2 * merges);
    result_.heights.resize(merges);
    result_.border.resize(merges);
    result_.strength.resize(merges);
    for (std::size_t merge = 0; merge < merges; ++merge) merge_at(cheapest(), merge);
    return std::move(result_);
  }

 private:
  std::size_t end(std::size_t edge, bool second) const {
    return static_cast<std::size_t>(second ? graph_.second[edge] : graph_.first[edge]);
  }
  std::size_t other(std::size_t edge, std::size_t region) const { return end(edge, end(edge, false) == region); }

  Entry entry(std::size_t edge) const {
    const double cost = merge_cost(features_, outline_, end(edge, false), end(edge, true), graph_.border[edge],
                                   graph_.strength[edge], image_size_);
    return {cost, static_cast<std::int32_t>(edge), stamp_[edge]};
  }

  double height_of(std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id);
    return i < count_ ? 0.0 : result_.heights[i - count_];
  }

  // The cheapest living edge whose cost is up to date.
  Entry cheapest() {
    Entry top{};
    do {
      std::pop_heap(heap_.begin(), heap_.end());
      top = heap_.back();
      heap_.pop_back();
    } while (alive_[static_cast<std::size_t>(top.edge)] == 0 || top.stamp != stamp_[static_cast<std::size_t>(top.edge)]);
    return top;
  }

  void merge_at(const Entry& top, std::size_t merge) {
    const auto edge = static_cast<std::size_t>(top.edge);
    const std::size_t a = end(edge, false), b = end(edge, true);
    const std::size_t keep = degree_[a] >= degree_[b] ? a : b, gone = keep == a ? b : a;
    result_.children[2 * merge] = std::min(node_[a], node_[b]);
    result_.children[2 * merge + 1] = std::max(node_[a], node_[b]);
    result_.heights[merge] = std::max({top.cost, height_of(node_[a]), height_of(node_[b])});
    result_.border[merge] = graph_.border[edge];
    result_.strength[merge] = graph_.strength[edge];
    node_[keep] = static_cast<std::int32_t>(count_ + merge);
    alive_[edge] = 0;
    around_[keep] = join_edges(keep, gone);
    blend_regions(keep, gone, graph_.border[edge]);
    for (const std::size_t e : around_[keep]) {
      ++stamp_[e];
      heap_.push_back(entry(e));
      std::push_heap(heap_.begin(), heap_.end());
    }
  }

  // The living edges of both regions, which are the edges of `keep` from here on.
  std::vector<std::size_t> join_edges(std::size_t keep, std::size_t gone) {
    std::vector<std::size_t> standing;
    standing.reserve(degree_[keep] + degree_[gone]);
    for (const std::size_t e : around_[keep]) {
      if (alive_[e] == 0) continue;
      known_[other(e, keep)] = static_cast<std::int32_t>(e);
      standing.push_back(e);
    }
    for (const std::size_t e : around_[gone]) {
      if (alive_[e] == 0) continue;
      const std::size_t region = other(e, gone);
      if (known_[region] < 0) {
        (end(e, false) == gone ? graph_.first[e] : graph_.second[e]) = static_cast<std::int32_t>(keep);
        standing.push_back(e);
        continue;
      }
      const auto into = static_cast<std::size_t>(known_[region]);
      graph_.border[into] += graph_.border[e];
      graph_.strength[into] += graph_.strength[e];
      alive_[e] = 0;
      --degree_[region];
    }
    for (const std::size_t e : standing) known_[other(e, keep)] = -1;
    around_[gone] = {};
    degree_[gone] = 0;
    degree_[keep] = standing.size();
    return standing;
  }

  void blend_regions(std::size_t keep, std::size_t gone, double border) {
    const double total = features_.size[keep] + features_.size[gone], share = features_.size[gone] / total;
    blend(features_.channels, keep, gone, kChannels, share);
    blend(features_.lab, keep, gone, 3, share);
    blend(features_.embedding, keep, gone, features_.dimensions, share);
    blend(features_.metric, keep, gone, features_.metric_dimensions, share);
    features_.size[keep] = total;
    outline_[keep] += outline_[gone] - 2.0 * border;
  }

  RegionGraph graph_;
  Features features_;
  std::size_t count_;
  double image_size_ = 0.0;
  std::vector<std::uint8_t> alive_;                // [edges]
  std::vector<std::int32_t> stamp_;                // [edges] how often an edge's cost has changed
  std::vector<std::int32_t> known_, node_;         // [regions] an edge towards a neighbour while edges are joined; tree node
  std::vector<double> outline_;                    // [regions]
  std::vector<std::vector<std::size_t>> around_;   // edges of each region, dead ones among them
  std::vector<std::size_t> degree_;                // living ones
  std::vector<Entry> heap_;
  RegionMerges result_;
};

}  // namespace

RegionMerges merge_regions(RegionGraph graph, Features features) {
  return Merging(std::move(graph), std::move(features)).run();
}

}  // namespace unsam::tree
