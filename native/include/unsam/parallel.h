#pragma once

#include <cstddef>
#include <functional>

namespace unsam {

// How the caller lends its threads: calls body(item) once for every item in [0, count), in any order, several at a time
// if it likes, returns when all are done and passes on the first exception. Results never depend on how.
using ParallelFor = std::function<void(std::size_t count, const std::function<void(std::size_t item)>& body)>;

// One item after the other on the calling thread.
inline void serial_for(std::size_t count, const std::function<void(std::size_t item)>& body) {
  for (std::size_t item = 0; item < count; ++item) body(item);
}

}  // namespace unsam
