#include "parallel/crew.h"

#include <numeric>
#include <stdexcept>

#include "test.h"

using unsam::Crew;

TEST("every item runs exactly once, in many short runs") {
  test::Random random(1);
  for (const std::size_t threads : {0, 1, 2, 5}) {
    Crew crew(threads);
    for (int run = 0; run < 200; ++run) {
      const std::size_t count = random() % 40;
      std::vector<int> hits(count, 0);
      crew.run(count, [&](std::size_t item, std::size_t worker) {
        ++hits[item];
        if (worker >= crew.size()) throw std::out_of_range("worker");
      });
      CHECK(std::accumulate(hits.begin(), hits.end(), std::size_t{0}) == count);
      for (const int h : hits) CHECK(h == 1);
    }
  }
}

TEST("an exception of a task comes back and the crew stays usable") {
  Crew crew(3);
  bool caught = false;
  try {
    crew.run(20, [](std::size_t item, std::size_t) {
      if (item == 7) throw std::runtime_error("seven");
    });
  } catch (const std::runtime_error& e) {
    caught = std::string(e.what()) == "seven";
  }
  CHECK(caught);
  std::atomic<int> total = 0;
  crew.run(20, [&](std::size_t item, std::size_t) { total += static_cast<int>(item); });
  CHECK(total == 190);
}
