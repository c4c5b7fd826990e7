// Items of work of one call: a team of threads, a scratch space for each of them, and whether the call was cancelled.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "parallel/thread_team.h"

namespace unsam {

template <class Scratch>
class Items {
 protected:
  Items(ThreadTeam& team, const std::function<bool()>& cancelled) : team_(team), cancelled_(cancelled), scratch_(team.size()) {}

  // Runs work(item, scratch) for every item, unless the call is cancelled meanwhile: false then. Items are of fixed size, and each
  // result is computed by one of them: threads decide nothing.
  template <class Work>
  bool each(std::size_t count, Work work) {
    team_.run(count, [&](std::size_t item, std::size_t worker) {
      if (!cancelled()) work(item, scratch_[worker]);
    });
    return !cancelled();
  }
  bool cancelled() const { return cancelled_ && cancelled_(); }

 private:
  ThreadTeam& team_;
  const std::function<bool()>& cancelled_;
  std::vector<Scratch> scratch_;
};

}  // namespace unsam
