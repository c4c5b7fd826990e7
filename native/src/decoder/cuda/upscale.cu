// Upscaling to the masks' logits in one go. CPU version: ImagePasses::upscale (decoder/cpu/image_passes.cpp).
//
// A warp takes 16 image tokens and one of the four sub-pixels of the first transposed convolution: its 64 channels stay in
// the warp's registers through LayerNorm and GELU, and since a tile of results is laid out like a left factor, they
// go straight into the second transposed convolution. The 32-channel map is never written.
#include <cuda_runtime.h>

#include "decoder/cuda/call.h"
#include "decoder/cuda/image_passes.h"
#include "cuda/device/shared_memory.h"
#include "cuda/device/tile_product.h"
#include "cuda/device/warp.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPitch = 36;
constexpr int kBatch = 160;  // rows of attention in shared memory at a time
constexpr int kChannels1 = static_cast<int>(kUp1), kChannels0 = static_cast<int>(kUp0), kProducts = static_cast<int>(kProductRows);

__device__ __forceinline__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }

// Sum over the four lanes that share a row of a tile.
__device__ __forceinline__ float row_sum(float x) {
  x += __shfl_xor_sync(kFullWarp, x, 1);
  return x + __shfl_xor_sync(kFullWarp, x, 2);
}

__device__ __forceinline__ int best_of_three(const float* iou_logits) {
  int best = 1;
  float top = 1.0f / (1.0f + expf(-iou_logits[1]));
  for (int i = 2; i <= 3; ++i) {
    const float score = 1.0f / (1.0f + expf(-iou_logits[i]));
    if (score > top) {
      best = i;
      top = score;
    }
  }
  return best;
}

// One long kernel: a warp keeps its tokens' channels in registers from the first product to the logits.
template <class P>
__global__ void __launch_bounds__(kThreads, 2) upscale_kernel(const Call* call_at) {
  using Element = typename P::Element;
  using Product = typename P::Product;
  constexpr bool split = P::split;
  const Call& call = *call_at;
  const ConstantsView& constants = call.constants;
  const int prompt = static_cast<int>(blockIdx.y), thread = static_cast<int>(threadIdx.x), side = call.image.side;
  const PromptView& w = call.prompt[prompt];
  if (w.tokens == 0) return;
  const int both = 2 * w.columns;
  float* a = dynamic_shared<float>();  // [kBatch][kPitch]
  float* hyper = a + kBatch * kPitch;  // [masks][kUp0]
  const Lane lane;
  const int m0 = thread / 32 % 2 * 16, sub = thread / 64;

  // The heads lie by slot of final token; slot 1 holds the IoU logits.
  const auto head_of = [&](int slot) { return call.heads + (slot * call.prompts + prompt) * static_cast<int>(kDim); };
  for (int i = thread; i < call.masks * kChannels0; i += kThreads) {
    int slot = call.mask_slots[i / kChannels0];
    if (slot < 0) slot = 2 + best_of_three(head_of(1));
    hyper[i] = head_of(slot)[i % kChannels0];
  }
  if (thread == 0 && blockIdx.x == 0) call.best[prompt] = best_of_three(head_of(1));
  __syncthreads();

  const int first = static_cast<int>(blockIdx.x) * call.tiles_per_chunk;
  const int end = min(first + call.tiles_per_chunk, call.image.padded / kTile);
  for (int tile = first; tile < end; ++tile) {
    const int token[2] = {tile * kTile + m0 + lane.g, tile * kTile + m0 + lane.g + 8};
    const float inverse1[2] = {w.inverse1[token[0]], w.inverse1[token[1]]};
    const float inverse2[2] = {w.inverse2[token[0]], w.inverse2[token[1]]};

    float x[8][4];
    const auto* base = static_cast<const Product*>(w.products) + kUpscale + sub * kChannels1 + 2 * lane.t;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float2 pair = load_pair(base + static_cast<std::size_t>(token[r]) * kProducts + 8 * j);
        x[j][2 * r] = inverse1[r] * pair.x;
        x[j][2 * r + 1] = inverse1[r] * pair.y;
      }
    }
    for (int batch = 0; batch < both; batch += kBatch) {
      const int depth = min(kBatch, both - batch);
      __syncthreads();
      const auto* from = static_cast<const Element*>(w.attention) + static_cast<std::size_t>(tile) * kTile + thread % 32;
      for (int c = thread / 32; c < depth; c += kThreads / 32) {
        a[c * kPitch + thread % 32] = from_element(from[static_cast<std::size_t>(batch + c) * call.image.padded]);
      }
      __syncthreads();
      const Columns<split, float> attention{a, kPitch, kTile, depth};
      const Rows<split, Element> to_upscale{static_cast<const Element*>(w.to_upscale) + sub * kChannels1 * both + batch, both,
                                            kChannels1, depth};
      accumulate<8>(x, attention, m0, to_upscale, 0, 0, depth);
    }

    // y = gelu(layer norm of inverse2 (x + shift) + skip) over the 64 channels.
    float mean[2] = {0.0f, 0.0f}, square[2] = {0.0f, 0.0f};
    const auto* skip1 = static_cast<const Product*>(call.image.high_res_1) + sub * kChannels1 + 2 * lane.t;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float2 shift = load_pair(constants.upscale_shift + sub * kChannels1 + 8 * j + 2 * lane.t);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float2 skip = load_pair(skip1 + static_cast<std::size_t>(token[r]) * 4 * kChannels1 + 8 * j);
        x[j][2 * r] = inverse2[r] * (x[j][2 * r] + shift.x) + skip.x;
        x[j][2 * r + 1] = inverse2[r] * (x[j][2 * r + 1] + shift.y) + skip.y;
        mean[r] += x[j][2 * r] + x[j][2 * r + 1];
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) mean[r] = row_sum(mean[r]) * (1.0f / kChannels1);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        x[j][i] -= mean[i / 2];
        square[i / 2] += x[j][i] * x[j][i];
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) square[r] = 1.0f / sqrtf(row_sum(square[r]) * (1.0f / kChannels1) + 1e-6f);
    Word<split> y[4][4];
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const float2 gain = load_pair(constants.upscale_norm.gain + 8 * j + 2 * lane.t);
      const float2 bias = load_pair(constants.upscale_norm.bias + 8 * j + 2 * lane.t);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        y[j / 2][j % 2 * 2 + r] = make_word<split>(gelu(x[j][2 * r] * square[r] * gain.x + bias.x),
                                                   gelu(x[j][2 * r + 1] * square[r] * gain.y + bias.y));
      }
    }

    // The second transposed convolution's four sub-pixels; lane t of a row keeps and writes sub-pixel t.
    float logits[kMaxMasks][2] = {};
#pragma unroll 1  // unrolled it takes twice the registers, and one block fills a multiprocessor
    for (int sub0 = 0; sub0 < 4; ++sub0) {
      float sum[kMaxMasks][2] = {};
      const Rows<split, Element> weight{static_cast<const Element*>(constants.upscale1) + sub0 * kChannels0 * kChannels1, kChannels1,
                                        kChannels0, kChannels1};
      const auto* skip0 = static_cast<const Product*>(call.image.high_res_0) + (sub * 4 + sub0) * kChannels0 + 2 * lane.t;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        float z[4];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          const float2 skip = load_pair(skip0 + static_cast<std::size_t>(token[r]) * 16 * kChannels0 + 8 * j);
          z[2 * r] = skip.x;
          z[2 * r + 1] = skip.y;
        }
        const auto column = weight.row(8 * j + lane.g);
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          const Word<split> right[2] = {column.word(16 * k + 2 * lane.t), column.word(16 * k + 2 * lane.t + 8)};
          mma_words<split, split>(z, y[k], right);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) z[i] = gelu(z[i]);
#pragma unroll
        for (int m = 0; m < kMaxMasks; ++m) {
          if (m >= call.masks) break;
          const float2 h = load_pair(hyper + m * kChannels0 + 8 * j + 2 * lane.t);
          sum[m][0] += z[0] * h.x + z[1] * h.y;
          sum[m][1] += z[2] * h.x + z[3] * h.y;
        }
      }
#pragma unroll
      for (int m = 0; m < kMaxMasks; ++m) {
        if (m >= call.masks) break;
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          const float total = row_sum(sum[m][r]);
          if (sub0 == lane.t) logits[m][r] = total;
        }
      }
    }
    const int low = 4 * side, dy = sub / 2 * 2 + lane.t / 2, dx = sub % 2 * 2 + lane.t % 2;
    for (int r = 0; r < 2; ++r) {
      if (token[r] >= call.image.tokens) continue;
      const int y_at = 4 * (token[r] / side) + dy, x_at = 4 * (token[r] % side) + dx;
      for (int m = 0; m < call.masks; ++m) {
        call.logits[(static_cast<std::size_t>(prompt * call.masks + m) * static_cast<std::size_t>(low) + static_cast<std::size_t>(y_at)) *
                        static_cast<std::size_t>(low) + static_cast<std::size_t>(x_at)] = logits[m][r];
      }
    }
  }
}

}  // namespace

void upscale(bool bf16, const Call* call, const PassShape& shape, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(shape.chunks), static_cast<unsigned>(shape.prompts));
  constexpr std::size_t bytes = (kBatch * kPitch + kMaxMasks * kChannels0) * sizeof(float);
  launch("upscale", bf16 ? upscale_kernel<Bf16> : upscale_kernel<Float32>, grid, kThreads, bytes, stream, call);
}

}  // namespace unsam::cuda
