// What is computed once per image, and per mask prompt. CPU version: decoder/cpu/prepare.cpp, decoder/cpu/mask_prompt.cpp.
#include "decoder/cuda/prepare.h"

#include "cuda/device/tile_product.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kDimInt = static_cast<int>(kDim), kProducts = static_cast<int>(kProductRows), kPositions = static_cast<int>(kPositionRows);
constexpr int kMask = static_cast<int>(kMaskChannels);

__device__ __forceinline__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }

// [n][ld] without alignment: (i, k) = data[i ld + k].
struct PlainRows {
  static constexpr bool split = true;
  const float* data;
  int ld, rows, depth;
  struct Row {
    const float* at;
    int depth;
    __device__ __forceinline__ Word<true> word(int k) const {
      if (k >= depth) return {};
      return make_word<true>(at[k], k + 1 < depth ? at[k + 1] : 0.0f);
    }
  };
  __device__ __forceinline__ Row row(int i) const { return {data + i * ld, i < rows ? depth : 0}; }
};

__global__ void __launch_bounds__(kThreads) grid_kernel(const float* gaussian, int side, int tokens, int padded, float* grid) {
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x), token = i / kDimInt, c = i % kDimInt;
  if (token >= padded) return;
  if (token >= tokens) {
    grid[i] = 0.0f;
    return;
  }
  const float x = (static_cast<float>(token % side) + 0.5f) / static_cast<float>(side);
  const float y = (static_cast<float>(token / side) + 0.5f) / static_cast<float>(side);
  const float angle = 2.0f * ((2.0f * x - 1.0f) * gaussian[c % 128] + (2.0f * y - 1.0f) * gaussian[128 + c % 128]);
  grid[i] = c < 128 ? sinpif(angle) : cospif(angle);
}

// out[token][row] = x W^T + constant[row] (+ positions): a block of 8 warps makes 32 tokens by 64 rows.
template <class P, class X>
__device__ __forceinline__ void product(const X& x, int tokens, const float* weight, int ld, int rows, bool constant,
                                        const void* positions, void* out) {
  using Product = typename P::Product;
  const int warp = static_cast<int>(threadIdx.x) / 32, m0 = static_cast<int>(blockIdx.y) * 32 + warp % 2 * 16;
  const int n0 = static_cast<int>(blockIdx.x) * 64 + warp / 2 * 16;
  const Lane lane;
  float d[2][4] = {};
  accumulate<2>(d, x, m0, PlainRows{weight, ld, rows, kDimInt}, n0, 0, kDimInt);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int token = m0 + lane.row(i), row = n0 + 8 * j + lane.column(i);
      if (row >= rows) continue;
      float value = d[j][i];
      if (constant) value += weight[row * ld + kDimInt];
      // Keys and queries of layer 0 have their position term included.
      constexpr int values = static_cast<int>(kValue0), queries = static_cast<int>(kQuery0), others = static_cast<int>(kNorm1);
      if (positions != nullptr && (row < values || (row >= queries && row < others))) {
        const int at = row < values ? row : row - queries + static_cast<int>(kPositionQuery0);
        value += from_element(static_cast<const Product*>(positions)[static_cast<std::size_t>(token) * kPositionRows + static_cast<std::size_t>(at)]);
      }
      store_element(static_cast<Product*>(out) + static_cast<std::size_t>(token) * static_cast<std::size_t>(rows) + static_cast<std::size_t>(row),
                    token < tokens ? value : 0.0f);
    }
  }
}

template <class P>
__global__ void __launch_bounds__(kThreads) positions_kernel(const float* grid, int padded, int tokens, const float* weight, void* out) {
  product<P>(Rows<true, float>{grid, kDimInt, padded, kDimInt}, tokens, weight, kDimInt, kPositions, false, nullptr, out);
}

template <class P>
__global__ void __launch_bounds__(kThreads) products_kernel(const float* embed, int tokens, const float* weight, const void* positions,
                                                            void* out) {
  product<P>(Columns<true, float>{embed, tokens, tokens, kDimInt}, tokens, weight, kDimInt + 1, kProducts, true, positions, out);
}

// |x~|^2, |y0|^2, y0 . beta of one token (decoder/folded.h), where x(c) gives its embedding; [3][padded].
template <class X>
__device__ __forceinline__ void image_norms(const ConstantsView& k, const X& x, int token, int tokens, int padded, float* norms) {
  if (token >= padded) return;
  float square = 0.0f, square_y = 0.0f, along = 0.0f;
  if (token < tokens) {
    float mean = 0.0f, mean_y = 0.0f;
    for (int c = 0; c < kDimInt; ++c) mean += x(c) + k.out_bias0[c];
    mean *= 1.0f / kDimInt;
    for (int c = 0; c < kDimInt; ++c) {
      const float centred = x(c) + k.out_bias0[c] - mean;
      square += centred * centred;
      mean_y += centred * k.gain1[c];
    }
    mean_y *= 1.0f / kDimInt;
    for (int c = 0; c < kDimInt; ++c) {
      const float y = (x(c) + k.out_bias0[c] - mean) * k.gain1[c] - mean_y;
      square_y += y * y;
      along += y * k.beta[c];
    }
  }
  norms[token] = square;
  norms[padded + token] = square_y;
  norms[2 * padded + token] = along;
}

__global__ void __launch_bounds__(128) norms_kernel(ConstantsView constants, const float* embed, int tokens, int padded, float* norms) {
  const int token = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  image_norms(constants, [&](int c) { return embed[c * tokens + token]; }, token, tokens, padded, norms);
}

// A high-resolution map [channels][rows][columns] by token: out[token][sub-pixel][channel], a bias added. `factor` cells a
// token and side (2 or 4); the order of sub-pixels is that of the transposed convolutions.
template <class P>
__global__ void __launch_bounds__(kThreads) high_res_kernel(const float* map, const float* bias, int factor, int channels, int side,
                                                            int tokens, int padded, void* out) {
  const int token = static_cast<int>(blockIdx.x) * 32 + static_cast<int>(threadIdx.x) % 32, sub = static_cast<int>(blockIdx.y);
  if (token >= padded) return;
  int dy = sub / 2, dx = sub % 2;
  if (factor == 4) {
    dy = sub / 8 * 2 + sub % 4 / 2;
    dx = sub / 4 % 2 * 2 + sub % 2;
  }
  const std::size_t width = static_cast<std::size_t>(factor * side);
  const std::size_t cell = static_cast<std::size_t>(token / side * factor + dy) * width + static_cast<std::size_t>(token % side * factor + dx);
  auto* to = static_cast<typename P::Product*>(out) +
             (static_cast<std::size_t>(token) * gridDim.y + static_cast<std::size_t>(sub)) * static_cast<std::size_t>(channels);
  for (int c = static_cast<int>(threadIdx.x) / 32; c < channels; c += kThreads / 32) {
    // The first convolution's bias differs by sub-pixel (a constant went through it), the second's does not.
    const float b = bias[factor == 2 ? sub * channels + c : c];
    store_element(to + c, token < tokens ? map[static_cast<std::size_t>(c) * width * width + cell] + b : 0.0f);
  }
}

// LayerNorm over n channels (eps 1e-6), then GELU.
template <int n>
__device__ __forceinline__ void norm_gelu(float (&x)[n], const float* gain, const float* shift) {
  float mean = 0.0f, square = 0.0f;
  for (int c = 0; c < n; ++c) mean += x[c];
  mean /= n;
  for (int c = 0; c < n; ++c) square += (x[c] - mean) * (x[c] - mean);
  const float inverse = 1.0f / sqrtf(square / n + 1e-6f);
  for (int c = 0; c < n; ++c) x[c] = gelu((x[c] - mean) * inverse * gain[c] + shift[c]);
}

// The prompt encoder's two convolutions, 1 -> 4 -> 16 channels, and the norms of the embedding they change.
__global__ void __launch_bounds__(128) mask_features_kernel(const Call* call_at) {
  const Call& call = *call_at;
  const ConstantsView& k = call.constants;
  const PromptView& w = call.prompt[blockIdx.y];
  if (w.mask_logits == nullptr) return;
  const int token = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), side = call.image.side;
  if (token >= call.image.padded) return;
  float features[kMask];
  for (int c = 0; c < kMask; ++c) features[c] = 0.0f;
  if (token < call.image.tokens) {
    for (int c = 0; c < kMask; ++c) features[c] = k.mask_bias1[c];
    for (int sub = 0; sub < 4; ++sub) {
      float hidden[4];
      for (int c = 0; c < 4; ++c) hidden[c] = k.mask_bias0[c];
      for (int tap = 0; tap < 4; ++tap) {
        const int y = 4 * (token / side) + 2 * (sub / 2) + tap / 2, x = 4 * (token % side) + 2 * (sub % 2) + tap % 2;
        const float pixel = w.mask_logits[y * 4 * side + x];
        for (int c = 0; c < 4; ++c) hidden[c] += k.mask_conv0[c * 4 + tap] * pixel;
      }
      norm_gelu<4>(hidden, k.mask_gain0, k.mask_shift0);
      for (int c = 0; c < kMask; ++c) {
        for (int in = 0; in < 4; ++in) features[c] += k.mask_conv1[(c * 4 + in) * 4 + sub] * hidden[in];
      }
    }
    norm_gelu<kMask>(features, k.mask_gain1, k.mask_shift1);
  }
  for (int c = 0; c < kMask; ++c) w.mask_features[token * kMask + c] = features[c];
  const auto x = [&](int c) {
    const float* row = k.mask_embedding + c * (kMask + 1);
    float sum = call.image.embed[c * call.image.tokens + token] + row[kMask];
    for (int i = 0; i < kMask; ++i) sum += row[i] * features[i];
    return sum;
  };
  image_norms(k, x, token, call.image.tokens, call.image.padded, w.own_norms);
}

// The image's products plus what the mask's features add.
template <class P>
__global__ void __launch_bounds__(kThreads) mask_products_kernel(const Call* call_at) {
  using Product = typename P::Product;
  const Call& call = *call_at;
  const PromptView& w = call.prompt[blockIdx.z];
  if (w.mask_logits == nullptr) return;
  // Laid out as in `product`, which ends otherwise: here the image's products are added to what the mask gives.
  const int warp = static_cast<int>(threadIdx.x) / 32, m0 = static_cast<int>(blockIdx.y) * 32 + warp % 2 * 16;
  const int n0 = static_cast<int>(blockIdx.x) * 64 + warp / 2 * 16;
  const Lane lane;
  const float* weight = call.constants.mask_products;
  float d[2][4] = {};
  accumulate<2>(d, Rows<true, float>{w.mask_features, kMask, call.image.padded, kMask}, m0,
                PlainRows{weight, kMask + 1, kProducts, kMask}, n0, 0, kMask);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int token = m0 + lane.row(i), row = n0 + 8 * j + lane.column(i);
      const std::size_t at = static_cast<std::size_t>(token) * kProductRows + static_cast<std::size_t>(row);
      const float sum = from_element(static_cast<const Product*>(call.image.products)[at]) + weight[row * (kMask + 1) + kMask] + d[j][i];
      store_element(reinterpret_cast<Product*>(w.own_products) + at, token < call.image.tokens ? sum : 0.0f);
    }
  }
}

template <class P>
void prepare(const ConstantsView& constants, const ImageBuffers& b, cudaStream_t stream) {
  const auto padded = static_cast<unsigned>(b.padded);
  launch("products", products_kernel<P>, dim3(kProducts / 64, padded / 32), kThreads, 0, stream, b.embed, b.tokens, constants.products,
         b.positions, b.products);
  launch("norms", norms_kernel, (padded + 127) / 128, 128, 0, stream, constants, b.embed, b.tokens, b.padded, b.norms);
  launch("high_res_1", high_res_kernel<P>, dim3(padded / 32, 4), kThreads, 0, stream, b.high_1, constants.upscale_bias, 2,
         static_cast<int>(kUp1), b.side, b.tokens, b.padded, b.high_res_1);
  launch("high_res_0", high_res_kernel<P>, dim3(padded / 32, 16), kThreads, 0, stream, b.high_0, constants.upscale1_bias, 4,
         static_cast<int>(kUp0), b.side, b.tokens, b.padded, b.high_res_0);
}

}  // namespace

void prepare_positions(bool bf16, const ConstantsView& constants, const ImageBuffers& b, cudaStream_t stream) {
  const auto padded = static_cast<unsigned>(b.padded);
  launch("grid", grid_kernel, padded, kThreads, 0, stream, constants.gaussian, b.side, b.tokens, b.padded, b.grid);
  launch("positions", bf16 ? positions_kernel<Bf16> : positions_kernel<Float32>, dim3(kPositions / 64, padded / 32), kThreads, 0, stream,
         b.grid, b.padded, b.tokens, constants.position, b.positions);
}

void prepare_image(bool bf16, const ConstantsView& constants, const ImageBuffers& buffers, cudaStream_t stream) {
  bf16 ? prepare<Bf16>(constants, buffers, stream) : prepare<Float32>(constants, buffers, stream);
}

void embed_masks(bool bf16, const Call* call, int prompts, int padded, cudaStream_t stream) {
  const auto p = static_cast<unsigned>(padded), n = static_cast<unsigned>(prompts);
  launch("mask_features", mask_features_kernel, dim3((p + 127) / 128, n), 128, 0, stream, call);
  launch("mask_products", bf16 ? mask_products_kernel<Bf16> : mask_products_kernel<Float32>, dim3(kProducts / 64, p / 32, n), kThreads, 0,
         stream, call);
}

}  // namespace unsam::cuda
