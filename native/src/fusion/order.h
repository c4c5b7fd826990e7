#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace unsam {

inline std::vector<std::int32_t> indices_up_to(std::size_t count) {
  std::vector<std::int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

// Indices, highest score first; of equal scores the lower index.
template <typename Score>
std::vector<std::int32_t> by_score(std::span<const Score> scores) {
  std::vector<std::int32_t> indices = indices_up_to(scores.size());
  std::sort(indices.begin(), indices.end(), [&](std::int32_t a, std::int32_t b) {
    const Score sa = scores[static_cast<std::size_t>(a)], sb = scores[static_cast<std::size_t>(b)];
    return sa != sb ? sa > sb : a < b;
  });
  return indices;
}

// values[chosen[0]], values[chosen[1]], ...
template <typename Value>
std::vector<Value> pick(std::span<const Value> values, const std::vector<std::int32_t>& chosen) {
  std::vector<Value> picked;
  picked.reserve(chosen.size());
  for (const std::int32_t i : chosen) picked.push_back(values[static_cast<std::size_t>(i)]);
  return picked;
}

}  // namespace unsam
