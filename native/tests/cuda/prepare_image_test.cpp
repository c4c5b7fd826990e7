// What is prepared once per image and per mask prompt, against plain loops in double.
#include "decoder/cuda/prepare.h"

#include <algorithm>
#include <numbers>

#include "kernel_arrays.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

using Floats = std::vector<float>;
using Numbers = std::vector<double>;

struct Image {
  Image(int side_, bool bf16_, std::uint64_t seed) : side(static_cast<std::size_t>(side_)), bf16(bf16_), device(seed), random(seed) {
    n = side * side;
    padded = (n + 31) / 32 * 32;
    gaussian = constant(k.gaussian, kDim, 1.0f);
    position = constant(k.position, kPositionRows * kDim, 0.06f);
    weight = constant(k.products, kProductRows * (kDim + 1), 0.06f);
    out_bias = constant(k.out_bias0, kDim, 0.3f);
    gain1 = constant(k.gain1, kDim, 1.0f);
    beta = constant(k.beta, kDim, 0.5f);
    upscale_bias = constant(k.upscale_bias, 4 * kUp1, 0.5f);
    upscale1_bias = constant(k.upscale1_bias, kUp0, 0.5f);
    const auto map = [&](Floats& v, const float*& at, std::size_t size) {
      v = test::normal(random, size);
      at = device.upload(v);
    };
    buffers.side = side_;
    buffers.tokens = static_cast<int>(n);
    buffers.padded = static_cast<int>(padded);
    map(embed, buffers.embed, kDim * n);
    map(high_0, buffers.high_0, kUp0 * 16 * n);
    map(high_1, buffers.high_1, kUp1 * 4 * n);
    buffers.grid = device.poisoned(padded * kDim);
    buffers.products = device.poisoned(padded * kProductRows, product_format(bf16));
    buffers.norms = device.poisoned(3 * padded);
    buffers.positions = device.poisoned(padded * kPositionRows, product_format(bf16));
    buffers.high_res_1 = device.poisoned(padded * 4 * kUp1, product_format(bf16));
    buffers.high_res_0 = device.poisoned(padded * 16 * kUp0, product_format(bf16));
    prepare_positions(bf16, k, buffers, device.get());
    prepare_image(bf16, k, buffers, device.get());
  }
  Floats constant(const float*& at, std::size_t size, float scale) {
    Floats v = test::normal(random, size, scale);
    at = device.upload(v);
    return v;
  }

  const std::size_t side;
  const bool bf16;
  KernelArrays device;
  test::Random random;
  std::size_t n = 0, padded = 0;
  ConstantsView k{};
  ImageBuffers buffers{};
  Floats gaussian, position, weight, out_bias, gain1, beta, upscale_bias, upscale1_bias, embed, high_0, high_1;
};

// Operands in two parts, 2^-17 each; half keeps 2^-11 of what is stored.
double stored_limit(bool bf16) { return bf16 ? 5e-4 : 1e-5; }

// Rows [padded][width] of the device against want(token, i); those beyond the image must be zero.
template <class Want>
void check_rows(Image& x, const void* at, std::size_t width, const Want& want) {
  const Floats got = x.device.fetch(at, x.padded * width, product_format(x.bf16));
  Difference difference;
  for (std::size_t token = 0; token < x.padded; ++token) {
    for (std::size_t i = 0; i < width; ++i) {
      if (token < x.n) {
        difference.add(got[token * width + i], want(token, i));
      } else {
        CHECK(got[token * width + i] == 0.0f);
      }
    }
  }
  CHECK_LE(difference.relative(), stored_limit(x.bf16));
}

Numbers position_products(const Image& x) {
  Numbers all(x.n * kPositionRows);
  for (std::size_t token = 0; token < x.n; ++token) {
    const double across = 2.0 * (static_cast<double>(token % x.side) + 0.5) / static_cast<double>(x.side) - 1.0;
    const double down = 2.0 * (static_cast<double>(token / x.side) + 0.5) / static_cast<double>(x.side) - 1.0;
    Numbers encoding(kDim);
    for (std::size_t c = 0; c < 128; ++c) {
      const double angle = 2.0 * std::numbers::pi * (across * x.gaussian[c] + down * x.gaussian[128 + c]);
      encoding[c] = std::sin(angle);
      encoding[128 + c] = std::cos(angle);
    }
    for (std::size_t row = 0; row < kPositionRows; ++row) {
      for (std::size_t c = 0; c < kDim; ++c) all[token * kPositionRows + row] += x.position[row * kDim + c] * encoding[c];
    }
  }
  return all;
}

// Products of an embedding x0(c, token), the position terms of layer 0 included.
template <class X>
double product_of(const Image& x, const Numbers& positions, const X& embedding, std::size_t token, std::size_t row) {
  const float* weight = x.weight.data() + row * (kDim + 1);
  double sum = weight[kDim];
  for (std::size_t c = 0; c < kDim; ++c) sum += weight[c] * embedding(c, token);
  if (row < kValue0) sum += positions[token * kPositionRows + kPositionKey0 + row];
  if (row >= kQuery0 && row < kNorm1) sum += positions[token * kPositionRows + kPositionQuery0 + row - kQuery0];
  return sum;
}

template <class X>
void check_norms(Image& x, const float* at, const X& embedding) {
  const Floats got = x.device.fetch(at, 3 * x.padded);
  Difference difference[3];
  for (std::size_t token = 0; token < x.padded; ++token) {
    if (token >= x.n) {
      for (std::size_t i = 0; i < 3; ++i) CHECK(got[i * x.padded + token] == 0.0f);
      continue;
    }
    Numbers r(kDim), y(kDim);
    double mean = 0, mean_y = 0, square = 0, square_y = 0, along = 0;
    for (std::size_t c = 0; c < kDim; ++c) mean += (r[c] = embedding(c, token) + x.out_bias[c]) / kDim;
    for (std::size_t c = 0; c < kDim; ++c) mean_y += (y[c] = (r[c] -= mean) * x.gain1[c]) / kDim;
    for (std::size_t c = 0; c < kDim; ++c) {
      square += r[c] * r[c];
      square_y += (y[c] - mean_y) * (y[c] - mean_y);
      along += (y[c] - mean_y) * x.beta[c];
    }
    difference[0].add(got[token], square);
    difference[1].add(got[x.padded + token], square_y);
    difference[2].add(got[2 * x.padded + token], along);
  }
  for (const Difference& d : difference) CHECK_LE(d.relative(), 2e-6);  // float32 sums of 256 terms, some of both signs
}

void prepared(int side, bool bf16, std::uint64_t seed) {
  need_device();
  Image x(side, bf16, seed);
  const Numbers positions = position_products(x);
  const auto embedding = [&](std::size_t c, std::size_t token) { return double{x.embed[c * x.n + token]}; };
  check_rows(x, x.buffers.positions, kPositionRows, [&](std::size_t token, std::size_t row) { return positions[token * kPositionRows + row]; });
  check_rows(x, x.buffers.products, kProductRows,
             [&](std::size_t token, std::size_t row) { return product_of(x, positions, embedding, token, row); });
  check_norms(x, x.buffers.norms, embedding);
  // Sub-pixels 2 dy + dx of the first transposed convolution, then of the second.
  const std::size_t s = x.side;
  check_rows(x, x.buffers.high_res_1, 4 * kUp1, [&](std::size_t token, std::size_t i) {
    const std::size_t sub = i / kUp1, c = i % kUp1, row = 2 * (token / s) + sub / 2, column = 2 * (token % s) + sub % 2;
    return double{x.high_1[(c * 2 * s + row) * 2 * s + column]} + x.upscale_bias[i];
  });
  check_rows(x, x.buffers.high_res_0, 16 * kUp0, [&](std::size_t token, std::size_t i) {
    const std::size_t sub = i / kUp0 / 4, sub0 = i / kUp0 % 4, c = i % kUp0;
    const std::size_t row = 4 * (token / s) + sub / 2 * 2 + sub0 / 2, column = 4 * (token % s) + sub % 2 * 2 + sub0 % 2;
    return double{x.high_0[(c * 4 * s + row) * 4 * s + column]} + x.upscale1_bias[c];
  });
}

double gelu(double v) { return 0.5 * v * (1.0 + std::erf(v * std::sqrt(0.5))); }

void norm_gelu(Numbers& x, const Floats& gain, const Floats& shift) {
  const double n = static_cast<double>(x.size());
  double mean = 0, square = 0;
  for (const double v : x) mean += v / n;
  for (const double v : x) square += (v - mean) * (v - mean) / n;
  for (std::size_t c = 0; c < x.size(); ++c) x[c] = gelu((x[c] - mean) / std::sqrt(square + 1e-6) * gain[c] + shift[c]);
}

// Three prompts, the middle one without a mask: its buffers stay as they were.
void masked(int side, bool bf16, std::uint64_t seed) {
  need_device();
  Image x(side, bf16, seed);
  const auto size = static_cast<std::size_t>(4 * side);
  const Floats mask_products = x.constant(x.k.mask_products, kProductRows * (kMaskChannels + 1), 0.2f),
               mask_embedding = x.constant(x.k.mask_embedding, kDim * (kMaskChannels + 1), 0.2f);
  const Floats conv0 = x.constant(x.k.mask_conv0, 16, 0.5f), bias0 = x.constant(x.k.mask_bias0, 4, 0.5f), gain0 = x.constant(x.k.mask_gain0, 4, 1.0f),
               shift0 = x.constant(x.k.mask_shift0, 4, 0.5f), conv1 = x.constant(x.k.mask_conv1, 256, 0.5f), bias1 = x.constant(x.k.mask_bias1, 16, 0.5f),
               gain1 = x.constant(x.k.mask_gain1, 16, 1.0f), shift1 = x.constant(x.k.mask_shift1, 16, 0.5f);
  Call call;
  std::memset(static_cast<void*>(&call), 0, sizeof call);
  call.image = {side, x.buffers.tokens, x.buffers.padded, x.buffers.products, x.buffers.norms, x.buffers.positions, x.buffers.high_res_1,
                x.buffers.high_res_0, x.buffers.embed};
  call.constants = x.k;
  call.prompts = 3;
  Floats masks[3];
  for (std::size_t p = 0; p < 3; ++p) {
    PromptView& w = call.prompt[p];
    w.mask_features = x.device.poisoned(x.padded * kMaskChannels);
    w.own_products = static_cast<float*>(x.device.poisoned(x.padded * kProductRows, product_format(bf16)));
    w.own_norms = x.device.poisoned(3 * x.padded);
    masks[p] = test::normal(x.random, size * size, 4.0f);
    if (p != 1) w.mask_logits = x.device.upload(masks[p]);
  }
  embed_masks(bf16, x.device.upload(std::span<const Call>(&call, 1)), 3, x.buffers.padded, x.device.get());

  for (const float v : x.device.fetch(call.prompt[1].own_norms, 3 * x.padded)) CHECK(std::isnan(v));
  const Floats stored = x.device.fetch(x.buffers.products, x.padded * kProductRows, product_format(bf16));
  for (const std::size_t p : {0u, 2u}) {
    const PromptView& w = call.prompt[p];
    Numbers features(x.n * kMaskChannels);
    for (std::size_t token = 0; token < x.n; ++token) {
      Numbers outer(bias1.begin(), bias1.end());
      for (std::size_t sub = 0; sub < 4; ++sub) {
        Numbers inner(bias0.begin(), bias0.end());
        for (std::size_t tap = 0; tap < 4; ++tap) {
          const std::size_t row = 4 * (token / x.side) + sub / 2 * 2 + tap / 2, column = 4 * (token % x.side) + sub % 2 * 2 + tap % 2;
          for (std::size_t c = 0; c < 4; ++c) inner[c] += double{conv0[c * 4 + tap]} * masks[p][row * size + column];
        }
        norm_gelu(inner, gain0, shift0);
        for (std::size_t i = 0; i < 64; ++i) outer[i / 4] += conv1[i * 4 + sub] * inner[i % 4];
      }
      norm_gelu(outer, gain1, shift1);
      std::copy(outer.begin(), outer.end(), features.begin() + static_cast<std::ptrdiff_t>(token * kMaskChannels));
    }
    const auto added = [&](const Floats& map, std::size_t row, std::size_t token) {
      double sum = map[row * (kMaskChannels + 1) + kMaskChannels];
      for (std::size_t c = 0; c < kMaskChannels; ++c) sum += map[row * (kMaskChannels + 1) + c] * features[token * kMaskChannels + c];
      return sum;
    };
    check_rows(x, w.own_products, kProductRows, [&](std::size_t token, std::size_t row) {
      return stored[token * kProductRows + row] + added(mask_products, row, token);
    });
    check_norms(x, w.own_norms, [&](std::size_t c, std::size_t token) { return x.embed[c * x.n + token] + added(mask_embedding, c, token); });
  }
}

}  // namespace

TEST("an image's products, norms and maps") {
  std::uint64_t seed = 0;
  for (const int side : {1, 5, 6, 9}) {
    prepared(side, false, ++seed);
    prepared(side, true, ++seed);
  }
}

TEST("what mask prompts add, and prompts without one beside them") {
  masked(1, false, 20);
  masked(7, false, 21);
  masked(6, true, 22);
}
