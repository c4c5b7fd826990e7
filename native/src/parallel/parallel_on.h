#pragma once

#include "parallel/thread_team.h"
#include "unsam/parallel.h"

namespace unsam {

// parallel_on(team)(count, body) runs body(item) for every item on the team, which must outlive the result. Only the team's
// owner may call it.
inline ParallelFor parallel_on(ThreadTeam& team) {
  return [&team](std::size_t count, const std::function<void(std::size_t)>& body) {
    team.run(count, [&body](std::size_t item, std::size_t) { body(item); });
  };
}

}  // namespace unsam
