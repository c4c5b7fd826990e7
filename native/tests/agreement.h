// What tests of networks ask: how far an answer is from the reference, and with which words something was refused.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "unsam/error.h"

// Relative L2; 1e9 where the sizes differ.
inline double relative_error(const std::vector<float>& found, const std::vector<double>& expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return found.size() == expected.size() ? std::sqrt(difference / size) : 1e9;
}

// What the error says that `body` throws; empty: none.
template <class Body>
std::string refusal(Body body) {
  try {
    body();
  } catch (const unsam::Error& e) {
    return e.what();
  }
  return "";
}
