// softmax(q k) v with one query per lane: the attention of prompts with many tokens, in all its directions. Keys are taken a
// block at a time, with the largest score and the sums so far carried along (Milakov and Gimelshein 2018), so the scores
// of one block are all that is ever kept of them, and stay in the cache.
#include "cpu/kernels/table.h"

namespace unsam::UNSAM_ISA {
namespace {

struct Softmax {
  alignas(kLine) float top[kLanes];
  alignas(kLine) float sum[kLanes];
};

// s[i] = sum over c of k[c][i] q[c] for Rows keys; `top` is raised to the largest.
template <std::size_t Rows, std::size_t Vectors>
inline void scores(std::size_t d, const float* q, const float* k, float* s, Vec (&top)[Vectors]) {
  Vec acc[Rows][Vectors] = {};
  for (std::size_t c = 0; c < d; ++c, q += kLanes, k += kLanes) {
    Vec qv[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) qv[j] = load(q + j * kWidth);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const Vec kv = splat(k[i]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) acc[i][j] += kv * qv[j];
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      store(s + (i * Vectors + j) * kWidth, acc[i][j]);
      top[j] = max(acc[i][j], top[j]);
    }
  }
}

// out[i] = factor * out[i] + sum over the keys of v[i][key] s[key] for Rows rows of the values.
template <std::size_t Rows, std::size_t Vectors>
inline void mix(std::size_t keys, const float* v, const float* s, const Vec (&factor)[Vectors], float* out) {
  Vec acc[Rows][Vectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) acc[i][j] = load(out + i * kLanes + j * kWidth) * factor[j];
  }
  for (std::size_t key = 0; key < keys; ++key, s += Vectors * kWidth) {
    Vec sv[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) sv[j] = load(s + j * kWidth);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const Vec vv = splat(v[i * kLanes + key]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) acc[i][j] += vv * sv[j];
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) store(out + i * kLanes + j * kWidth, acc[i][j]);
  }
}

// one(row) for tiles of kTileRows rows, then for what is left: one.template operator()<Rows>(first row).
template <std::size_t Rows, typename One>
inline void tiles(std::size_t rows, std::size_t row, const One& one) {
  for (; row + Rows <= rows; row += Rows) one.template operator()<Rows>(row);
  if constexpr (Rows > 1) {
    if (row < rows) tiles<Rows - 1>(rows, row, one);
  }
}

// One block of keys for the Vectors vectors of queries from `lane` on.
template <std::size_t Vectors>
inline void block(const Attend& a, std::size_t lane, std::size_t keys, const float* k, const float* v, Softmax& state) {
  alignas(kLine) float s[kLanes * Vectors * kWidth];
  Vec before[Vectors], top[Vectors], factor[Vectors], sum[Vectors];
#pragma GCC unroll 4
  for (std::size_t j = 0; j < Vectors; ++j) before[j] = top[j] = load(state.top + lane + j * kWidth);
  tiles<kTileRows>(keys, 0, [&]<std::size_t Rows>(std::size_t row) {
    scores<Rows, Vectors>(a.d, a.q + lane, k + row, s + row * Vectors * kWidth, top);
  });
#pragma GCC unroll 4
  for (std::size_t j = 0; j < Vectors; ++j) {
    factor[j] = exp(before[j] - top[j]);
    sum[j] = load(state.sum + lane + j * kWidth) * factor[j];
  }
  for (std::size_t key = 0; key < keys; ++key) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      float* at = s + (key * Vectors + j) * kWidth;
      const Vec e = exp(load(at) - top[j]);
      store(at, e);
      sum[j] += e;
    }
  }
#pragma GCC unroll 4
  for (std::size_t j = 0; j < Vectors; ++j) {
    store(state.top + lane + j * kWidth, top[j]);
    store(state.sum + lane + j * kWidth, sum[j]);
  }
  tiles<kTileRows>(a.d, 0, [&]<std::size_t Rows>(std::size_t row) {
    mix<Rows, Vectors>(keys, v + row * kLanes, s, factor, a.out + row * kLanes + lane);
  });
}

}  // namespace

void attend(const Attend& a) {
  Softmax state;
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    store(state.top + lane, splat(-__builtin_inff()));
    store(state.sum + lane, Vec{});
  }
  for (std::size_t i = 0; i < a.d * kLanes; i += kWidth) store(a.out + i, Vec{});
  for (std::size_t first = 0; first < a.keys; first += kLanes) {
    const std::size_t index = first / kLanes, left = a.keys - first, keys = left < kLanes ? left : kLanes;
    const float* k = a.k + index * a.k_block;
    const float* v = a.v + index * a.v_block;
    std::size_t lane = 0;
    for (; lane + kTileVectors * kWidth <= a.queries; lane += kTileVectors * kWidth) block<kTileVectors>(a, lane, keys, k, v, state);
    for (; lane < a.queries; lane += kWidth) block<1>(a, lane, keys, k, v, state);
  }
  for (std::size_t lane = 0; lane < a.queries; lane += kWidth) {
    const Vec scale = splat(1.0f) / load(state.sum + lane);
    for (std::size_t c = 0; c < a.d; ++c) {
      float* at = a.out + c * kLanes + lane;
      store(at, load(at) * scale);
    }
  }
}

}  // namespace unsam::UNSAM_ISA
