// Shapes of tensors, as checks of weights read and name them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace unsam {

// Values of a tensor of this shape.
inline std::size_t value_count(std::span<const std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t n : shape) count *= n;
  return count;
}

// "[4, 256]"
inline std::string shape_text(std::span<const std::size_t> shape) {
  std::string text = "[";
  for (const std::size_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

}  // namespace unsam
