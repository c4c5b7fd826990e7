// The threads of a block as fibers, in a random order between two barriers.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device_state.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

// Where the linker put the static shared memory, if there is any.
extern "C" {
extern char __start_emulated_shared[] __attribute__((weak));
extern char __stop_emulated_shared[] __attribute__((weak));
}

namespace emulated {

Device& device() {
  static Device d;
  return d;
}

namespace {

void yield_to_scheduler(Wait wait, const char* where) {
  Device& d = device();
  Thread& self = *d.threads[d.current];
  self.wait = wait;
  self.where = where;
  leave(self.fiber);
}

void thread_main() {
  Device& d = device();
  (*d.body)();
  d.threads[d.current]->wait = Wait::done;
  ++d.done;
}

void release(Wait kind) {
  Device& d = device();
  for (unsigned i = 0; i < d.active; ++i) {
    if (d.threads[i]->wait == kind) d.threads[i]->wait = Wait::none;
  }
}

void describe_deadlock() {
  Device& d = device();
  std::map<std::string, int> waits;
  for (unsigned i = 0; i < d.active; ++i) {
    const Thread& t = *d.threads[i];
    ++waits[t.wait == Wait::done ? "have ended" : std::string("wait at ") + t.where];
  }
  d.fault = "threads of a block will wait for ever:";
  for (const auto& [where, n] : waits) d.fault.append(" ").append(std::to_string(n)).append(" ").append(where).append(";");
}

void run_block(std::size_t shared_bytes) {
  Device& d = device();
  if (__start_emulated_shared != nullptr) {
    std::memset(__start_emulated_shared, kPoison, static_cast<std::size_t>(__stop_emulated_shared - __start_emulated_shared));
  }
  std::memset(d.shared, kPoison, shared_bytes);
  d.active = blockDim.x * blockDim.y * blockDim.z;
  d.at_barrier = d.done = 0;
  d.barrier_sum = 0;
  d.warps.clear();
  d.warps.resize((d.active + 31) / 32);
  while (d.threads.size() < d.active) d.threads.push_back(std::make_unique<Thread>());
  for (unsigned i = 0; i < d.active; ++i) {
    Thread& t = *d.threads[i];
    t.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
    t.wait = Wait::none;
    t.where = "";
    prepare(t.fiber, thread_main);
    d.warps[i / 32].lanes |= 1u << (i % 32);
  }
  std::vector<unsigned> ready;
  // Warps that stand still for some rounds, so that others run ahead of them up to the next barrier: without this, warps
  // that do the same number of collectives would go in step and hide a missing barrier between them.
  std::size_t still = 0;
  const std::size_t patience = std::size_t{16} << 3 * d.below(3);  // rounds
  while (d.done < d.active) {
    if (d.below(patience) == 0) still = d.below(0xffffffffu);
    ready.clear();
    for (unsigned i = 0; i < d.active; ++i) {
      if (d.threads[i]->wait == Wait::none && (still >> (i / 32) & 1u) == 0) ready.push_back(i);
    }
    if (ready.empty() && still != 0) {
      still = 0;
      continue;
    }
    if (ready.empty()) {
      describe_deadlock();
      return;
    }
    for (std::size_t i = ready.size(); i > 1; --i) std::swap(ready[i - 1], ready[d.below(i)]);
    for (const unsigned i : ready) {
      d.current = i;
      threadIdx = d.threads[i]->index;
      enter(d.threads[i]->fiber);
      if (!d.fault.empty()) return;
    }
  }
}

}  // namespace

void run_kernel(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes, const Work& body) {
  Device& d = device();
  if (d.sticky != cudaSuccess) return;
  ++d.launched;
  gridDim = grid;
  blockDim = block;
  d.kernel = name;
  d.body = &body;
  // Exactly as large as asked for, so that AddressSanitizer sees what lies beyond.
  const std::unique_ptr<void, void (*)(void*)> shared(std::aligned_alloc(16, (shared_bytes + 31) / 16 * 16), std::free);
  d.shared = shared.get();
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        run_block(shared_bytes);
        if (!d.fault.empty()) {
          std::fprintf(stderr, "emulated device: kernel %s, block (%u, %u, %u), thread (%u, %u, %u): %s\n", name, x, y, z,
                       threadIdx.x, threadIdx.y, threadIdx.z, d.fault.c_str());
          d.fault.clear();
          d.sticky = cudaErrorLaunchFailure;
          return;
        }
      }
    }
  }
}

void* dynamic_shared() { return device().shared; }

unsigned lane() { return device().current % 32; }

void fault(const char* what) {
  Device& d = device();
  d.fault = what;
  for (;;) leave(d.threads[d.current]->fiber);
}

int block_barrier(int value) {
  Device& d = device();
  d.barrier_sum += value;
  if (++d.at_barrier == d.active) {
    d.barrier_result = d.barrier_sum;
    d.at_barrier = 0;
    d.barrier_sum = 0;
    release(Wait::barrier);
    yield_to_scheduler(Wait::none, "");  // the last to come has no head start
  } else {
    yield_to_scheduler(Wait::barrier, "__syncthreads");
  }
  return d.barrier_result;
}

void collective(const char* kind, unsigned mask, const std::uint32_t* in, int in_words, std::uint32_t* out, int out_words,
                const std::function<void(Collective&)>& combine) {
  Device& d = device();
  const unsigned self = d.current, my_lane = self % 32;
  Warp& warp = d.warps[self / 32];
  mask &= warp.lanes;
  if ((mask >> my_lane & 1u) == 0) fault((std::string(kind) + ": the calling lane is not in the mask").c_str());
  Pending* op = nullptr;
  for (const auto& p : warp.pending) {
    if (p->data.mask == mask) op = p.get();
  }
  if (op == nullptr) {
    if (warp.spare.empty()) warp.spare.push_back(std::make_unique<Pending>());
    warp.pending.push_back(std::move(warp.spare.back()));
    warp.spare.pop_back();
    op = warp.pending.back().get();
    op->kind = kind;
    op->arrived = 0;
    op->data.mask = mask;
    std::memset(op->data.out, kPoison, sizeof op->data.out);
  }
  if (std::strcmp(op->kind, kind) != 0) {
    fault((std::string("lanes of a warp meet in different operations: ") + op->kind + " and " + kind).c_str());
  }
  if (in_words > 0) std::memcpy(op->data.in[my_lane], in, static_cast<std::size_t>(in_words) * 4);
  op->arrived |= 1u << my_lane;
  if (op->arrived == mask) {
    combine(op->data);
    for (unsigned i = 0; i < 32; ++i) {
      if ((mask >> i & 1u) == 0) continue;
      Thread& t = *d.threads[self / 32 * 32 + i];
      std::memcpy(t.out, op->data.out[i], sizeof t.out);
      t.wait = Wait::none;
    }
    for (auto& p : warp.pending) {
      if (p.get() != op) continue;
      std::swap(p, warp.pending.back());
      warp.spare.push_back(std::move(warp.pending.back()));
      warp.pending.pop_back();
      break;
    }
    yield_to_scheduler(Wait::none, "");
  } else {
    yield_to_scheduler(Wait::collective, kind);
  }
  if (out_words > 0) std::memcpy(out, d.threads[self]->out, static_cast<std::size_t>(out_words) * 4);
}

}  // namespace emulated
