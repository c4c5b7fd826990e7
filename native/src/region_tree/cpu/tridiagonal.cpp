#include "region_tree/cpu/tridiagonal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace unsam::tree {

EigenPairs tridiagonal_eigenpairs(std::span<const double> diagonal, std::span<const double> off_diagonal) {
  const std::size_t n = diagonal.size();
  std::vector<double> d(diagonal.begin(), diagonal.end()), e(n), z(n * n);
  if (n > 0) std::copy_n(off_diagonal.begin(), n - 1, e.begin());
  // Rows are vectors, so that a rotation of two vectors runs over contiguous memory.
  for (std::size_t i = 0; i < n; ++i) z[i * n + i] = 1.0;
  for (std::size_t l = 0; l < n; ++l) {
    for (int sweep = 0; sweep < 60; ++sweep) {
      std::size_t m = l;
      while (m + 1 < n &&
             std::abs(e[m]) > std::numeric_limits<double>::epsilon() * (std::abs(d[m]) + std::abs(d[m + 1]))) {
        ++m;
      }
      if (m == l) break;
      const double half = (d[l + 1] - d[l]) / (2.0 * e[l]);
      const double sign = half < 0.0 ? -1.0 : 1.0;
      double g = d[m] - d[l] + e[l] / (half + sign * std::sqrt(half * half + 1.0));
      double s = 1.0, c = 1.0, p = 0.0;
      bool whole = true;
      for (std::size_t i = m; i-- > l;) {
        const double f = s * e[i], b = c * e[i], r = std::sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0.0) {
          d[i + 1] -= p;
          whole = false;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const double t = (d[i] - g) * s + 2.0 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        double *upper = z.data() + i * n, *lower = upper + n;
        for (std::size_t k = 0; k < n; ++k) {
          const double w = lower[k];
          lower[k] = s * upper[k] + c * w;
          upper[k] = c * upper[k] - s * w;
        }
      }
      if (whole) {
        d[l] -= p;
        e[l] = g;
      }
      e[m] = 0.0;
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return d[i] != d[j] ? d[i] < d[j] : i < j; });
  EigenPairs pairs{std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t to = 0; to < n; ++to) {
    pairs.values[to] = d[order[to]];
    std::copy_n(z.begin() + static_cast<std::ptrdiff_t>(order[to] * n), n,
                pairs.vectors.begin() + static_cast<std::ptrdiff_t>(to * n));
  }
  return pairs;
}

}  // namespace unsam::tree
