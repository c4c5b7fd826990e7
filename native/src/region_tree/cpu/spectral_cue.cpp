// The smoothest eigenvectors of the normalised cut (Shi & Malik 2000, equation 12) of the region graph, by Lanczos
// iteration with full reorthogonalisation on D^(-1/2) W D^(-1/2), the trivial vector projected out.
#include <algorithm>
#include <cmath>
#include <optional>

#include "fusion/cpu/kernels.h"
#include "region_tree/cpu/elementary.h"
#include "region_tree/cpu/planes.h"
#include "region_tree/cpu/tridiagonal.h"

namespace unsam::tree {
namespace {

constexpr std::size_t kDimensions = 10, kMaxSteps = 160, kCheckEvery = 40;
constexpr double kTolerance = 1e-4;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return fusion_kernels().dot4(a.data(), b.data(), a.size()); }

// A symmetric weighted graph in compressed rows.
struct WeightedGraph {
  std::vector<std::size_t> start, neighbour;
  Vector weight;
};

WeightedGraph affinity_graph(const RegionGraph& graph, const Features& features) {
  const std::size_t edges = graph.first.size();
  WeightedGraph result{std::vector<std::size_t>(graph.count + 1), std::vector<std::size_t>(2 * edges), Vector(2 * edges)};
  for (std::size_t e = 0; e < edges; ++e) {
    ++result.start[static_cast<std::size_t>(graph.first[e]) + 1];
    ++result.start[static_cast<std::size_t>(graph.second[e]) + 1];
  }
  for (std::size_t i = 0; i < graph.count; ++i) result.start[i + 1] += result.start[i];
  std::vector<std::size_t> fill(result.start.begin(), result.start.end() - 1);
  for (std::size_t e = 0; e < edges; ++e) {
    const auto a = static_cast<std::size_t>(graph.first[e]), b = static_cast<std::size_t>(graph.second[e]);
    const float *p = &features.lab[3 * a], *q = &features.lab[3 * b];
    const double dl = static_cast<double>(p[0]) - static_cast<double>(q[0]);
    const double da = static_cast<double>(p[1]) - static_cast<double>(q[1]);
    const double db = static_cast<double>(p[2]) - static_cast<double>(q[2]);
    const double distance = std::sqrt(dl * dl + da * da + db * db);
    const double s = 0.5 * (graph.strength[e] / graph.border[e]) + 0.25 * (distance / (distance + 25.0));
    const double weight = exponential(-s / 0.09) * std::sqrt(graph.border[e]);
    result.neighbour[fill[a]] = b;
    result.weight[fill[a]++] = weight;
    result.neighbour[fill[b]] = a;
    result.weight[fill[b]++] = weight;
  }
  return result;
}

void orthogonalise(Vector& vector, const std::vector<Vector>& basis) {
  for (const Vector& other : basis) {
    fusion_kernels().subtract_scaled(other.data(), dot(vector, other), vector.size(), vector.data());
  }
}

void divide(Vector& vector, double by) {
  for (double& value : vector) value /= by;
}

// Fresh pseudo-random directions (a linear congruential generator, seeded with the number of regions).
class Directions {
 public:
  explicit Directions(std::size_t count) : count_(count), state_(static_cast<std::uint32_t>(count)) {}

  // A unit vector orthogonal to the basis, or none where the basis already spans the space.
  std::optional<Vector> next(const std::vector<Vector>& basis) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      Vector vector(count_);
      for (double& value : vector) {
        state_ = state_ * 1664525u + 1013904223u;
        value = static_cast<double>(state_) / 4294967296.0 - 0.5;
      }
      orthogonalise(vector, basis);
      orthogonalise(vector, basis);
      const double norm = std::sqrt(dot(vector, vector));
      if (norm < 1e-8) continue;
      divide(vector, norm);
      return vector;
    }
    return std::nullopt;
  }

 private:
  std::size_t count_;
  std::uint32_t state_;
};

// Largest residual |A v - theta v| among the leading Ritz pairs.
double worst_residual(const EigenPairs& pairs, double norm, std::size_t dimensions) {
  const std::size_t made = pairs.values.size();
  double worst = 0.0;
  for (std::size_t d = 0; d < dimensions; ++d) {
    worst = std::max(worst, norm * std::abs(pairs.vectors[(made - 1 - d) * made + made - 1]));
  }
  return worst;
}

}  // namespace

void add_spectral_cue(const RegionGraph& region_graph, Features& features) {
  const std::size_t count = region_graph.count;
  const std::size_t dimensions = std::min(kDimensions, count - 1);
  features.dimensions = dimensions;
  if (dimensions == 0) return;
  const WeightedGraph graph = affinity_graph(region_graph, features);
  Vector root(count), scaled(graph.weight.size());
  double total = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    double degree = 0.0;
    for (std::size_t k = graph.start[i]; k < graph.start[i + 1]; ++k) degree += graph.weight[k];
    total += degree;
    root[i] = std::sqrt(degree);
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = graph.start[i]; k < graph.start[i + 1]; ++k) {
      scaled[k] = graph.weight[k] / (root[i] * root[graph.neighbour[k]]);
    }
  }

  const std::size_t steps = std::min(kMaxSteps, count - 1);
  std::vector<Vector> basis{root};
  divide(basis[0], std::sqrt(total));
  Vector diagonal, off_diagonal;
  Directions directions(count);
  EigenPairs pairs;
  std::optional<Vector> vector = directions.next(basis);
  while (vector) {
    basis.push_back(std::move(*vector));
    const Vector& last = basis.back();
    Vector image(count);
    for (std::size_t i = 0; i < count; ++i) {
      double sum = 0.0;
      for (std::size_t k = graph.start[i]; k < graph.start[i + 1]; ++k) sum += scaled[k] * last[graph.neighbour[k]];
      image[i] = sum;
    }
    diagonal.push_back(dot(image, last));
    // Twice is enough (Parlett): after the second pass the basis is orthogonal to working precision.
    orthogonalise(image, basis);
    orthogonalise(image, basis);
    const double norm = std::sqrt(dot(image, image));
    off_diagonal.push_back(norm);
    const std::size_t made = diagonal.size();
    if (made == steps) break;
    if (norm < 1e-10) {
      // An invariant subspace: go on in a fresh direction, which the matrix does not couple to it.
      off_diagonal.back() = 0.0;
      vector = directions.next(basis);
      continue;
    }
    divide(image, norm);
    vector = std::move(image);
    if (made >= 2 * dimensions && made % kCheckEvery == 0) {
      pairs = tridiagonal_eigenpairs(diagonal, off_diagonal);
      if (worst_residual(pairs, norm, dimensions) < kTolerance) break;
    }
  }
  const std::size_t made = diagonal.size();
  if (pairs.values.size() != made) pairs = tridiagonal_eigenpairs(diagonal, off_diagonal);

  Vector values(dimensions);
  for (std::size_t d = 0; d < dimensions; ++d) values[d] = std::max(0.0, 1.0 - pairs.values[made - 1 - d]);
  features.embedding.resize(count * dimensions);
  for (std::size_t d = 0; d < dimensions; ++d) {
    Vector sum(count);
    for (std::size_t step = 0; step < made; ++step) {
      const double share = pairs.vectors[(made - 1 - d) * made + step];
      const Vector& row = basis[step + 1];
      for (std::size_t i = 0; i < count; ++i) sum[i] += share * row[i];
    }
    const double scale = std::sqrt((values[0] + 1e-9) / (values[d] + 1e-9));
    for (std::size_t i = 0; i < count; ++i) {
      features.embedding[i * dimensions + d] = static_cast<float>(sum[i] * std::sqrt(total) / root[i] * scale);
    }
  }
}

}  // namespace unsam::tree
