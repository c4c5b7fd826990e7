// Attention of some queries over keys in panels, and what follows it in a block.
#pragma once

#include <cstddef>

#include "encoder/cpu/kernels.h"
#include "encoder/plan.h"
#include "encoder/cpu/scratch.h"
#include "encoder/cpu/weights.h"

namespace unsam::encoder {

// Keys and values of one head in one window, packed for the kernels.
template <class T>
struct KeysAndValues {
  const T* keys;         // panels of columns
  const T* values;       // panels of depth `capacity`
  std::size_t capacity;
  std::size_t count;
  std::size_t width;     // channels of a value
  float last_bias;       // added to the last key's score: the logarithm of how many equal ones it stands for
};

// out[rows][width] = softmax(queries keys) values, queries and keys of `dim` channels. Up to padded(width) columns of `out` are
// written.
template <class T>
void attend(const Math<T>& math, Scratch<T>& scratch, std::size_t rows, std::size_t dim, const T* queries, std::size_t ldq,
            const KeysAndValues<T>& kv, T* out, std::size_t ldo);

// sum [rows][ld] += projection(attended), then += mlp(norm(sum)).
template <class T>
void finish_block(const Math<T>& math, Scratch<T>& scratch, const BlockShape& shape, const BlockWeights<T>& weights,
                  std::size_t rows, float eps, float* sum, std::size_t ld);

// Stride of scratch.attended.
template <class T>
std::size_t attended_stride(const BlockShape& shape) {
  return padded(shape.width) + kSlack;
}

}  // namespace unsam::encoder
