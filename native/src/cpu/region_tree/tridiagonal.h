#pragma once

#include <span>
#include <vector>

namespace unsam::tree {

struct EigenPairs {
  std::vector<double> values;   // ascending, [n]
  std::vector<double> vectors;  // row k is the unit eigenvector of values[k], [n, n]
};

// All eigenpairs of a symmetric tridiagonal matrix, by QL with implicit shifts (Golub & Van Loan, section 8.3).
// `diagonal` is [n], of `off_diagonal` the first n - 1 are used.
EigenPairs tridiagonal_eigenpairs(std::span<const double> diagonal, std::span<const double> off_diagonal);

// sqrt(x^2 + y^2 + z^2), scaled by the largest and summed with compensation, as JavaScript engines do.
double scaled_hypot(double x, double y, double z = 0.0);

}  // namespace unsam::tree
