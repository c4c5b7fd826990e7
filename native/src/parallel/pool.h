// Things that calls borrow one after the other, because making them anew for each call would cost too much.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace unsam {

// Thread-safe; must outlive what is borrowed from it.
template <class T>
class Pool {
 public:
  class Return {
   public:
    explicit Return(Pool* pool = nullptr) : pool_(pool) {}
    void operator()(T* used) const { pool_->put(std::unique_ptr<T>(used)); }

   private:
    Pool* pool_;
  };
  // Goes back when it dies.
  using Borrowed = std::unique_ptr<T, Return>;

  // An idle one for which fits(one) holds, else the one made by make().
  template <class Fits, class Make>
  Borrowed take(Fits fits, Make make) {
    std::unique_ptr<T> taken;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& one) { return fits(*one); });
      if (found != idle_.rend()) {
        taken = std::move(*found);
        idle_.erase(std::next(found).base());
      }
    }
    if (!taken) taken = make();
    return Borrowed(taken.release(), Return(this));
  }

 private:
  // More than that many calls at once are rare, and sizes may have changed since the oldest was used.
  static constexpr std::size_t kIdle = 8;

  void put(std::unique_ptr<T> used) {
    std::unique_ptr<T> oldest;  // dies after the lock
    const std::lock_guard lock(mutex_);
    if (idle_.size() == kIdle) {
      oldest = std::move(idle_.front());
      idle_.erase(idle_.begin());
    }
    idle_.push_back(std::move(used));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;  // oldest first
};

}  // namespace unsam
