// An encoder's weights, packed.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "encoder/cpu/linear.h"
#include "encoder/plan.h"
#include "unsam/weights.h"

namespace unsam::encoder {

template <class T>
struct BlockWeights {
  Linear<T> shortcut;           // of the normalised input, where the width changes
  // By head: query, key, value behind each other, 3 head_dim outputs; queries scaled for exponentials to the base 2.
  std::vector<Linear<T>> heads;
  Buffer<float> padding;        // [heads][padded(3 head_dim)] what the same makes of a position beyond the map
  Linear<T> projection, first, second;
};

template <class T>
struct Weights {
  Linear<T> patch;
  Buffer<float> position;  // [side * side][padded(embed_dim)]
  std::vector<BlockWeights<T>> blocks;
  std::vector<Linear<T>> outputs[3];  // by level, the finest first; its bias is the whole output's
};

// Takes the tensors of a checkpoint in and packs them. Norms are folded into what follows them: gain into weights, offset
// into biases, both in double.
template <class T>
class WeightPacker {
 public:
  // Throws Error(bad_checkpoint).
  WeightPacker(const Shape& shape, const Math<T>& math, const TensorMap& vectors, Weights<T>& weights);

  const std::vector<std::string>& names() const { return names_; }
  void load(const std::string& name, const TensorView& tensor);
  // The first matrix that has not come; null: none.
  const std::string* missing() const;

 private:
  using Pack = std::function<void(std::span<const float>)>;
  struct Matrix {
    std::vector<std::size_t> shape;
    Pack pack;
    bool loaded = false;
  };
  void expect(const std::string& name, std::vector<std::size_t> shape, Pack pack);
  void trunk(const TensorMap& vectors);
  void block(const TensorMap& vectors, const BlockShape& shape, BlockWeights<T>& weights);
  void neck(const TensorMap& vectors);
  void plain(const std::string& prefix, std::size_t outputs, std::size_t inputs, const TensorMap& vectors, Linear<T>& linear);
  void normed(const std::string& prefix, const std::string& norm, std::size_t outputs, std::size_t inputs,
              const TensorMap& vectors, Linear<T>& linear);

  const Shape& shape_;
  const Math<T>& math_;
  Weights<T>& weights_;
  std::map<std::string, Matrix, std::less<>> matrices_;
  std::vector<std::string> names_;
};

}  // namespace unsam::encoder
