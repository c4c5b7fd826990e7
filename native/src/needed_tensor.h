// Tensors that a network cannot do without.
#pragma once

#include <string>
#include <vector>

#include "tensor_shape.h"
#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam {

// `owner`: who needs it, "the encoder". Throws Error(bad_checkpoint), as the others do.
inline const TensorView& needed_tensor(const TensorMap& tensors, const std::string& name, const std::string& owner) {
  const auto found = tensors.find(name);
  if (found != tensors.end()) return found->second;
  throw Error(ErrorCode::bad_checkpoint,
              "The weights lack the tensor \"" + name + "\", which " + owner + " needs; use a complete checkpoint.");
}

inline void check_shape(const std::string& name, const TensorView& tensor, const std::vector<std::size_t>& shape,
                        const std::string& owner) {
  if (tensor.shape == shape && tensor.data.size() == value_count(shape)) return;
  throw Error(ErrorCode::bad_checkpoint, "The tensor \"" + name + "\" has shape " + shape_text(tensor.shape) + " and " +
                                             std::to_string(tensor.data.size()) + " values where " + owner + " needs " +
                                             shape_text(shape) + ".");
}

inline std::span<const float> needed_values(const TensorMap& tensors, const std::string& name, const std::vector<std::size_t>& shape,
                                            const std::string& owner) {
  const TensorView& tensor = needed_tensor(tensors, name, owner);
  check_shape(name, tensor, shape, owner);
  return tensor.data;
}

}  // namespace unsam
