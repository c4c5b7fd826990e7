// Fibers: one call stack per emulated CUDA thread, switched by hand.
#pragma once

#include <cstddef>

namespace emulated {

struct Fiber {
  void* stack = nullptr;
  std::size_t stack_bytes = 0;
  void* context = nullptr;  // saved stack pointer, or a ucontext
  void* fake_stack = nullptr;
  void (*body)() = nullptr;

  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
};

// Makes the fiber start anew at body(); what it had been doing is forgotten.
void prepare(Fiber& fiber, void (*body)());
// Runs the fiber until it leaves or its body ends.
void enter(Fiber& fiber);
// From within: back to whoever entered.
void leave(Fiber& fiber);

}  // namespace emulated
