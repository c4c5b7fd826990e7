// The bfloat16 product on AMX tiles: 16 x 64 sums stay in four tile registers; a block of image tokens in pairs of rows is
// a tile's right-hand side as it stands.
#pragma once

#include "cpu/kernels/amx.h"
#include "cpu/kernels/simd.h"

namespace unsam::UNSAM_ISA {

// Tiles 0 to 3: sums of `rows` rows; 4 and 5: operands of depth 32; 6 and 7: of the depth that is left, `rest`.
inline void configure_tiles(std::size_t rows, std::size_t rest) {
  TileConfig config;
  for (std::size_t tile = 0; tile < 4; ++tile) config.set(tile, rows, 64);
  config.set(4, rows, 2 * kAmxDepth);
  config.set(5, kAmxDepth / 2, 64);
  if (rest > 0) {
    config.set(6, rows, 2 * rest);
    config.set(7, rest / 2, 64);
  }
  configure(config);
}

constexpr std::size_t kLines = 32;  // fetched while four tiles are multiplied

inline void gemm_amx(const GemmBf16Args& g) {
  constexpr std::size_t pair_row = 2 * kLanes * sizeof(std::uint16_t);  // bytes from one pair of rows of B to the next
  const std::size_t whole = g.k / kAmxDepth * kAmxDepth, rest = g.k - whole;
  Fetching ahead(g.ahead);
  std::size_t configured = 0;
  for (std::size_t row = 0; row < g.m; row += kAmxRows) {
    const std::size_t rows = g.m - row < kAmxRows ? g.m - row : kAmxRows;
    if (rows != configured) configure_tiles(rows, rest);
    configured = rows;
    float* c = g.c + row * g.ldc;
    const std::size_t c_bytes = g.ldc * sizeof(float), a_bytes = g.lda * sizeof(std::uint16_t);
    if (g.c0 == nullptr) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    } else {
      const float* from = g.c0 + row * g.ld0;
      std::size_t from_bytes = g.ld0 * sizeof(float);
      if (g.scale != nullptr) {
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t lane = 0; lane < kLanes; lane += 16) {
            const __m512 start = _mm512_loadu_ps(from + i * g.ld0 + lane);
            _mm512_storeu_ps(c + i * g.ldc + lane, _mm512_mul_ps(start, _mm512_loadu_ps(g.scale + lane)));
          }
        }
        from = c;
        from_bytes = c_bytes;
      }
      memory_barrier();
      _tile_loadd(0, from, from_bytes);
      _tile_loadd(1, from + 16, from_bytes);
      _tile_loadd(2, from + 32, from_bytes);
      _tile_loadd(3, from + 48, from_bytes);
    }
    const std::uint16_t *a = g.a + row * g.lda, *b = g.b;
    for (std::size_t k = 0; k < whole; k += kAmxDepth, a += kAmxDepth, b += kAmxDepth * kLanes) {
      ahead.step<kLines>();
      _tile_loadd(4, a, a_bytes);
      _tile_loadd(5, b, pair_row);
      _tile_dpbf16ps(0, 4, 5);
      _tile_loadd(5, b + 32, pair_row);
      _tile_dpbf16ps(1, 4, 5);
      _tile_loadd(5, b + 64, pair_row);
      _tile_dpbf16ps(2, 4, 5);
      _tile_loadd(5, b + 96, pair_row);
      _tile_dpbf16ps(3, 4, 5);
    }
    if (rest > 0) {
      ahead.step<kLines>();
      _tile_loadd(6, a, a_bytes);
      _tile_loadd(7, b, pair_row);
      _tile_dpbf16ps(0, 6, 7);
      _tile_loadd(7, b + 32, pair_row);
      _tile_dpbf16ps(1, 6, 7);
      _tile_loadd(7, b + 64, pair_row);
      _tile_dpbf16ps(2, 6, 7);
      _tile_loadd(7, b + 96, pair_row);
      _tile_dpbf16ps(3, 6, 7);
    }
    _tile_stored(0, c, c_bytes);
    _tile_stored(1, c + 16, c_bytes);
    _tile_stored(2, c + 32, c_bytes);
    _tile_stored(3, c + 48, c_bytes);
  }
  release_tiles();
}

// ByHeadBf16Args: half a tile's depth a head, one configuration for all of them.
inline void by_head_amx(const ByHeadBf16Args& g) {
  constexpr std::size_t pair_row = 2 * kLanes * sizeof(std::uint16_t), row_bytes = kLanes * sizeof(float);
  static_assert(kHeadDim == kAmxDepth / 2);
  Fetching ahead(g.ahead);
  for (std::size_t row = 0; row < g.t; row += kAmxRows) {
    const std::size_t rows = g.t - row < kAmxRows ? g.t - row : kAmxRows;
    TileConfig config;
    for (std::size_t tile = 0; tile < 4; ++tile) config.set(tile, rows, 64);
    config.set(4, rows, 2 * kHeadDim);
    config.set(5, rows, 2 * kHeadDim);
    for (std::size_t tile = 6; tile < 8; ++tile) config.set(tile, kHeadDim / 2, 64);
    configure(config);
    for (std::size_t h = 0; h < kHeads; ++h) {
      const std::uint16_t* b = g.b + h * kHeadDim * kLanes;
      const std::size_t at = (h * g.t + row) * kLanes;
      ahead.step<kLines>();
      if (g.c0 == nullptr) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      } else {
        _tile_loadd(0, g.c0 + at, row_bytes);
        _tile_loadd(1, g.c0 + at + 16, row_bytes);
        _tile_loadd(2, g.c0 + at + 32, row_bytes);
        _tile_loadd(3, g.c0 + at + 48, row_bytes);
      }
      _tile_loadd(4, g.q_high + row * kInner + h * kHeadDim, kInner * sizeof(std::uint16_t));
      _tile_loadd(5, g.q_low + row * kInner + h * kHeadDim, kInner * sizeof(std::uint16_t));
      _tile_loadd(6, b, pair_row);
      _tile_loadd(7, b + 32, pair_row);
      _tile_dpbf16ps(0, 5, 6);
      _tile_dpbf16ps(1, 5, 7);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(6, b + 64, pair_row);
      _tile_loadd(7, b + 96, pair_row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      _tile_dpbf16ps(2, 4, 6);
      _tile_dpbf16ps(3, 4, 7);
      _tile_stored(0, g.c + at, row_bytes);
      _tile_stored(1, g.c + at + 16, row_bytes);
      _tile_stored(2, g.c + at + 32, row_bytes);
      _tile_stored(3, g.c + at + 48, row_bytes);
    }
  }
  release_tiles();
}

}  // namespace unsam::UNSAM_ISA
