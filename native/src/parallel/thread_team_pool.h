#pragma once

#include <memory>

#include "parallel/pool.h"
#include "parallel/thread_team.h"

namespace unsam {

// Thread teams that outlive a call. A thread that waits is at work within microseconds, whereas Linux may leave a new one on
// its parent's core for a whole time slice (3 ms were measured, half the time of decoding one prompt).
class ThreadTeamPool {
 public:
  using Borrowed = Pool<ThreadTeam>::Borrowed;

  // A team of that many threads, the caller's included, for one call.
  Borrowed take(std::size_t threads) {
    return pool_.take([threads](const ThreadTeam& team) { return team.wanted() == threads; },
                      [threads] { return std::make_unique<ThreadTeam>(threads); });
  }

 private:
  Pool<ThreadTeam> pool_;
};

}  // namespace unsam
