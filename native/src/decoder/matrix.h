// Dense double matrices for folding constants once per decoder; not for the hot path.
#pragma once

#include <cstddef>
#include <vector>

namespace unsam {

struct Matrix {
  std::size_t rows, cols;
  std::vector<double> v;  // row-major

  Matrix(std::size_t r, std::size_t c) : rows(r), cols(c), v(r * c, 0.0) {}
  Matrix(std::size_t r, std::size_t c, const float* data) : rows(r), cols(c), v(data, data + r * c) {}
  double& at(std::size_t r, std::size_t c) { return v[r * cols + c]; }
  double at(std::size_t r, std::size_t c) const { return v[r * cols + c]; }
};

Matrix operator*(const Matrix& a, const Matrix& b);
Matrix transposed(const Matrix& a);
// diag(gain) * a.
Matrix scaled_rows(const float* gain, Matrix a);
// a minus the mean of each column: centring each column as LayerNorm does with an embedding.
Matrix centred(Matrix a);

}  // namespace unsam
