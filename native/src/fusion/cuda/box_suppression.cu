// IoU of boxes in float32, step by step as src/fusion/cpu/box_suppression.cpp. A thread makes one word of a row.
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kThreads = 128;

// As std::min and std::max, also where one is NaN.
__device__ __forceinline__ float lesser(float a, float b) { return b < a ? b : a; }
__device__ __forceinline__ float greater(float a, float b) { return a < b ? b : a; }

__global__ void __launch_bounds__(kThreads)
    box_kernel(const FloatBox* __restrict__ boxes, std::uint32_t count, double max_iou, std::uint32_t* __restrict__ strikes) {
  const std::uint32_t words = (count + 31) / 32, word = blockIdx.x * kThreads + threadIdx.x, i = blockIdx.y;
  if (word >= words || 32 * word + 31 <= i) return;  // nothing behind i in this word
  const FloatBox b = boxes[i];
  std::uint32_t found = 0;
  for (unsigned n = 0; n < 32; ++n) {
    const std::uint32_t j = 32 * word + n;
    if (j <= i || j >= count) continue;
    const FloatBox a = boxes[j];
    const float width = greater(0.0f, __fsub_rn(lesser(a.x1, b.x1), greater(a.x0, b.x0)));
    const float height = greater(0.0f, __fsub_rn(lesser(a.y1, b.y1), greater(a.y0, b.y0)));
    const float common = __fmul_rn(width, height);
    const float iou = __fdiv_rn(common, __fsub_rn(__fadd_rn(b.area, a.area), common));
    found |= static_cast<std::uint32_t>(static_cast<double>(iou) > max_iou) << n;
  }
  strikes[std::size_t{i} * words + word] = found;
}

}  // namespace

namespace kernels {

void box_strikes(const FloatBox* boxes, std::size_t count, double max_iou, std::uint32_t* strikes, cudaStream_t stream) {
  const auto words = static_cast<unsigned>((count + 31) / 32);
  launch("box_strikes", box_kernel, dim3((words + kThreads - 1) / kThreads, static_cast<unsigned>(count)), kThreads, 0,
         stream, boxes, count, max_iou, strikes);
}

}  // namespace kernels
}  // namespace unsam::cuda
