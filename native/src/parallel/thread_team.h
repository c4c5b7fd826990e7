// Threads that work on one call at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace unsam {

// The calling thread and `threads - 1` others, alive as long as this object and asleep between calls. Serves one call at
// a time, so concurrent ones share nothing.
class ThreadTeam {
 public:
  explicit ThreadTeam(std::size_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // What the system granted of what was wanted.
  std::size_t size() const noexcept { return workers_.size() + 1; }
  std::size_t wanted() const noexcept { return wanted_; }

  // Runs task(item, worker) for every item in [0, count), items handed out in order, and returns when all are done.
  // Rethrows the first exception of a task. Only the owner may call it.
  void run(std::size_t count, const std::function<void(std::size_t item, std::size_t worker)>& task);

 private:
  void work(std::size_t worker);
  void take_items(std::size_t worker);

  // High half: number of the run; low half: items not yet claimed. A claim is a compare-and-swap on both, so a thread
  // that wakes late can never claim an item of a run whose task it has not seen.
  std::atomic<std::uint64_t> tickets_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<bool> stop_{false};
  const std::size_t wanted_;
  std::size_t count_ = 0;
  const std::function<void(std::size_t, std::size_t)>* task_ = nullptr;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

}  // namespace unsam
