#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define EMULATED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATED_ASAN 1
#endif
#endif
#if defined(EMULATED_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// Saves the callee-saved registers on the current stack, stores its pointer in *from and goes on where `to` was saved.
extern "C" void emulated_switch(void** from, void* to);
asm(R"(
.text
.globl emulated_switch
.type emulated_switch, @function
emulated_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulated_switch, .-emulated_switch
)");
#endif

namespace emulated {
namespace {

#if defined(EMULATED_ASAN)
constexpr std::size_t kStackBytes = 256 * 1024;
#else
constexpr std::size_t kStackBytes = 64 * 1024;
#endif

Fiber* running = nullptr;
void* main_context = nullptr;
#if defined(EMULATED_ASAN)
const void* main_stack = nullptr;
std::size_t main_stack_bytes = 0;
void* main_fake_stack = nullptr;
#endif

[[noreturn]] void start();

#if defined(__x86_64__)

void make_context(Fiber& fiber) {
  // As if emulated_switch had been called from nowhere: six registers, the return address, and the alignment a called
  // function expects.
  auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(fiber.stack) + fiber.stack_bytes);
  *--top = 0;
  *--top = reinterpret_cast<std::uintptr_t>(&start);
  for (int i = 0; i < 6; ++i) *--top = 0;
  fiber.context = top;
}

void switch_context(void** from, void* to) { emulated_switch(from, to); }

void free_context(void*) {}

#else

void make_context(Fiber& fiber) {
  if (fiber.context == nullptr) fiber.context = new ucontext_t;
  auto* context = static_cast<ucontext_t*>(fiber.context);
  getcontext(context);
  context->uc_stack.ss_sp = fiber.stack;
  context->uc_stack.ss_size = fiber.stack_bytes;
  context->uc_link = nullptr;
  makecontext(context, reinterpret_cast<void (*)()>(&start), 0);
}

void switch_context(void** from, void* to) {
  if (*from == nullptr) *from = new ucontext_t;
  swapcontext(static_cast<ucontext_t*>(*from), static_cast<ucontext_t*>(to));
}

void free_context(void* context) { delete static_cast<ucontext_t*>(context); }

#endif

void start() {
#if defined(EMULATED_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &main_stack, &main_stack_bytes);
#endif
  running->body();
#if defined(EMULATED_ASAN)
  __sanitizer_start_switch_fiber(nullptr, main_stack, main_stack_bytes);
#endif
  switch_context(&running->context, main_context);
  __builtin_unreachable();
}

}  // namespace

Fiber::~Fiber() {
  if (stack != nullptr) munmap(stack, stack_bytes);
#if !defined(__x86_64__)
  free_context(context);
#else
  free_context(nullptr);
#endif
}

void prepare(Fiber& fiber, void (*body)()) {
  if (fiber.stack == nullptr) {
    void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    fiber.stack = memory;
    fiber.stack_bytes = kStackBytes;
  }
#if defined(EMULATED_ASAN)
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
  fiber.fake_stack = nullptr;
#endif
  fiber.body = body;
  make_context(fiber);
}

void enter(Fiber& fiber) {
  running = &fiber;
#if defined(EMULATED_ASAN)
  __sanitizer_start_switch_fiber(&main_fake_stack, fiber.stack, fiber.stack_bytes);
#endif
  switch_context(&main_context, fiber.context);
#if defined(EMULATED_ASAN)
  __sanitizer_finish_switch_fiber(main_fake_stack, nullptr, nullptr);
#endif
}

void leave(Fiber& fiber) {
#if defined(EMULATED_ASAN)
  __sanitizer_start_switch_fiber(&fiber.fake_stack, main_stack, main_stack_bytes);
#endif
  switch_context(&fiber.context, main_context);
#if defined(EMULATED_ASAN)
  __sanitizer_finish_switch_fiber(fiber.fake_stack, nullptr, nullptr);
#endif
}

}  // namespace emulated
