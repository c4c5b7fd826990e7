#include "parallel/thread_team.h"

#include <system_error>
#include <utility>

namespace unsam {
namespace {

constexpr std::uint64_t kRun = std::uint64_t{1} << 32;
constexpr std::uint64_t kItems = kRun - 1;
// Phases of a decode follow each other within microseconds: spin that long before sleeping.
constexpr int kSpins = 4000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadTeam::ThreadTeam(std::size_t threads) : wanted_(threads) {
  workers_.reserve(threads > 0 ? threads - 1 : 0);
  try {
    for (std::size_t worker = 1; worker < threads; ++worker) {
      workers_.emplace_back([this, worker] { work(worker); });
    }
  } catch (const std::system_error&) {
    // The system grants no further thread: fewer hands, same result.
  }
}

ThreadTeam::~ThreadTeam() {
  stop_.store(true);
  tickets_.fetch_add(kRun);  // no items are left; only wakes the sleepers
  tickets_.notify_all();
  for (std::thread& thread : workers_) thread.join();
}

void ThreadTeam::run(std::size_t count, const std::function<void(std::size_t, std::size_t)>& task) {
  if (count == 0) return;
  if (workers_.empty() || count == 1) {
    for (std::size_t item = 0; item < count; ++item) task(item, 0);
    return;
  }
  count_ = count;
  task_ = &task;
  done_.store(0, std::memory_order_relaxed);
  const std::uint64_t next = (tickets_.load(std::memory_order_relaxed) & ~kItems) + kRun;
  tickets_.store(next | count, std::memory_order_seq_cst);
  tickets_.notify_all();
  take_items(0);
  for (int spins = 0;;) {
    const std::size_t done = done_.load(std::memory_order_acquire);
    if (done == count) break;
    if (++spins > kSpins) {
      done_.wait(done, std::memory_order_acquire);
    } else {
      relax();
    }
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadTeam::take_items(std::size_t worker) {
  std::uint64_t ticket = tickets_.load(std::memory_order_acquire);
  while ((ticket & kItems) != 0) {
    if (!tickets_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    const std::size_t count = count_;  // read before the item is reported done; afterwards the owner may change it
    try {
      (*task_)(count - (ticket & kItems), worker);
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done_.notify_one();
    ticket = tickets_.load(std::memory_order_acquire);
  }
}

void ThreadTeam::work(std::size_t worker) {
  while (true) {
    take_items(worker);
    std::uint64_t seen = tickets_.load(std::memory_order_acquire);
    for (int spins = 0; spins < kSpins && (seen & kItems) == 0 && !stop_.load(std::memory_order_relaxed); ++spins) {
      relax();
      seen = tickets_.load(std::memory_order_acquire);
    }
    if (stop_.load()) return;
    if ((seen & kItems) == 0) tickets_.wait(seen, std::memory_order_acquire);
    if (stop_.load()) return;
  }
}

}  // namespace unsam
