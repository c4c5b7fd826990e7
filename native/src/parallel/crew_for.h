#pragma once

#include "parallel/crew.h"
#include "unsam/parallel.h"

namespace unsam {

// Lends a crew, which must outlive the result. Only the crew's owner may call it.
inline ParallelFor crew_for(Crew& crew) {
  return [&crew](std::size_t count, const std::function<void(std::size_t)>& body) {
    crew.run(count, [&body](std::size_t item, std::size_t) { body(item); });
  };
}

}  // namespace unsam
