// What tests of networks ask: how far an answer is from the reference, and with which words something was refused.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "unsam/error.h"

// Relative L2; 1e9 where the sizes differ. `expected`: float or double.
template <class Values>
double relative_error(std::span<const float> found, const Values& expected) {
  if (found.size() != expected.size()) return 1e9;
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double wanted = expected[i];
    difference += (found[i] - wanted) * (found[i] - wanted);
    size += wanted * wanted;
  }
  return std::sqrt(difference / size);
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
