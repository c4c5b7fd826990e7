// CPU version: `choose` in decoder/select.cpp.
#include "decoder/cuda/choice.h"

#include "cuda/device/warp.h"
#include "cuda/runtime/launch.h"
#include "decoder/cuda/call.h"
#include "decoder/select.h"

namespace unsam::cuda {
namespace {

constexpr int kThreads = 1024;

// One block per prompt: it counts the first mask, then copies the one that is chosen.
__global__ void __launch_bounds__(kThreads) choose_kernel(const Call* call, int n, float delta, float threshold, float* logits) {
  __shared__ unsigned inner, outer;
  const int prompt = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const float* two = call->logits + static_cast<std::size_t>(2 * prompt) * static_cast<std::size_t>(n);
  if (thread == 0) inner = outer = 0;
  __syncthreads();
  unsigned mine_inner = 0, mine_outer = 0;
  for (int i = thread; i < n; i += kThreads) {
    mine_inner += two[i] > delta;
    mine_outer += two[i] > -delta;
  }
  mine_inner = __reduce_add_sync(kFullWarp, mine_inner);
  mine_outer = __reduce_add_sync(kFullWarp, mine_outer);
  if (thread % 32 == 0) {
    atomicAdd(&inner, mine_inner);
    atomicAdd(&outer, mine_outer);
  }
  __syncthreads();
  const bool stable = outer == 0 || __fdiv_rn(static_cast<float>(inner), static_cast<float>(outer)) >= threshold;
  const float* from = stable ? two : two + n;
  float* to = logits + static_cast<std::size_t>(prompt) * static_cast<std::size_t>(n);
  for (int i = thread; i < n; i += kThreads) to[i] = from[i];
  if (thread == 0) call->chosen[prompt] = stable ? 0 : 1;
}

}  // namespace

void choose_masks(const Call* call, int prompts, int n, float* logits, cudaStream_t stream) {
  launch("choose", choose_kernel, static_cast<unsigned>(prompts), kThreads, 0, stream, call, n, kStabilityDelta, kStabilityThreshold, logits);
}

}  // namespace unsam::cuda
