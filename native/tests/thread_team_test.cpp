#include "parallel/thread_team.h"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "parallel/thread_team_pool.h"

#include "test.h"

using unsam::ThreadTeam;

TEST("every item runs exactly once, in many short runs") {
  test::Random random(1);
  for (const std::size_t threads : {0, 1, 2, 5}) {
    ThreadTeam team(threads);
    for (int run = 0; run < 200; ++run) {
      const std::size_t count = random() % 40;
      std::vector<int> hits(count, 0);
      team.run(count, [&](std::size_t item, std::size_t worker) {
        ++hits[item];
        if (worker >= team.size()) throw std::out_of_range("worker");
      });
      CHECK(std::accumulate(hits.begin(), hits.end(), std::size_t{0}) == count);
      for (const int h : hits) CHECK(h == 1);
    }
  }
}

TEST("an exception of a task comes back and the team stays usable") {
  ThreadTeam team(3);
  bool caught = false;
  try {
    team.run(20, [](std::size_t item, std::size_t) {
      if (item == 7) throw std::runtime_error("seven");
    });
  } catch (const std::runtime_error& e) {
    caught = std::string(e.what()) == "seven";
  }
  CHECK(caught);
  std::atomic<int> total = 0;
  team.run(20, [&](std::size_t item, std::size_t) { total += static_cast<int>(item); });
  CHECK(total == 190);
}

TEST("a pool lends a team again once it is back, and another one meanwhile") {
  unsam::ThreadTeamPool pool;
  const ThreadTeam* first = nullptr;
  {
    const auto team = pool.take(3), other = pool.take(3);
    first = team.get();
    CHECK(team.get() != other.get());
    CHECK(team->size() == 3);
  }
  const auto one = pool.take(1);
  CHECK(one->size() == 1);
  const auto again = pool.take(3), again_too = pool.take(3);
  CHECK(again.get() == first || again_too.get() == first);
}

TEST("many callers share a pool, more than it keeps") {
  unsam::ThreadTeamPool pool;
  std::atomic<int> total = 0;
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < 12; ++caller) {
    callers.emplace_back([&, caller] {
      for (int call = 0; call < 20; ++call) {
        pool.take(1 + caller % 3)->run(10, [&](std::size_t, std::size_t) { ++total; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(total == 12 * 20 * 10);
}
