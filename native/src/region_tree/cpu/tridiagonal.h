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

}  // namespace unsam::tree
