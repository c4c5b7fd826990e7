#include "decoder/matrix.h"

namespace unsam {

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.cols);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t k = 0; k < a.cols; ++k) {
      const double factor = a.v[i * a.cols + k];
      if (factor == 0.0) continue;
      const double* row = b.v.data() + k * b.cols;
      double* out = c.v.data() + i * b.cols;
      for (std::size_t j = 0; j < b.cols; ++j) out[j] += factor * row[j];
    }
  }
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a.cols, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.cols; ++j) t.at(j, i) = a.at(i, j);
  }
  return t;
}

Matrix scaled_rows(const float* gain, Matrix a) {
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.cols; ++j) a.at(i, j) *= gain[i];
  }
  return a;
}

Matrix centred(Matrix a) {
  for (std::size_t j = 0; j < a.cols; ++j) {
    double mean = 0.0;
    for (std::size_t i = 0; i < a.rows; ++i) mean += a.at(i, j);
    mean /= static_cast<double>(a.rows);
    for (std::size_t i = 0; i < a.rows; ++i) a.at(i, j) -= mean;
  }
  return a;
}

}  // namespace unsam
