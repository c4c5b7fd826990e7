#pragma once

#include <memory>

#include "parallel/crew.h"
#include "parallel/pool.h"

namespace unsam {

// Crews that outlive a call. A thread that waits is at work within microseconds, whereas Linux may leave a new one on
// its parent's core for a whole time slice (3 ms were measured, half the time of decoding one prompt).
class CrewPool {
 public:
  using Borrowed = Pool<Crew>::Borrowed;

  // A crew of that many threads, the caller's included, for one call.
  Borrowed take(std::size_t threads) {
    return pool_.take([threads](const Crew& crew) { return crew.wanted() == threads; },
                      [threads] { return std::make_unique<Crew>(threads); });
  }

 private:
  Pool<Crew> pool_;
};

}  // namespace unsam
