// The bfloat16 product on AMX tiles: 16 x 64 sums stay in four tile registers; a block of image tokens in pairs of rows is
// a tile's right-hand side as it stands.
#pragma once

#include <immintrin.h>

#include "cpu/kernels.h"

namespace unsam::UNSAM_ISA {

constexpr std::size_t kAmxRows = 16, kAmxDepth = 32;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// The compiler does not know that tile loads and stores touch memory.
inline void memory_barrier() { asm volatile("" ::: "memory"); }

// Tiles 0 to 3: sums of `rows` rows; 4 and 5: operands of depth 32; 6 and 7: of the depth that is left, `rest`.
inline void configure_tiles(std::size_t rows, std::size_t rest) {
  TileConfig config;
  const auto set = [&config](std::size_t tile, std::size_t n, std::size_t bytes) {
    config.rows[tile] = static_cast<std::uint8_t>(n);
    config.row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  };
  for (std::size_t tile = 0; tile < 4; ++tile) set(tile, rows, 64);
  set(4, rows, 2 * kAmxDepth);
  set(5, kAmxDepth / 2, 64);
  if (rest > 0) {
    set(6, rows, 2 * rest);
    set(7, rest / 2, 64);
  }
  memory_barrier();
  _tile_loadconfig(&config);
}

inline void gemm_amx(const GemmBf16Args& g) {
  constexpr std::size_t pair_row = 2 * kLanes * sizeof(std::uint16_t);  // bytes from one pair of rows of B to the next
  const std::size_t whole = g.k / kAmxDepth * kAmxDepth, rest = g.k - whole;
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
  // Back to the initial state: the system need not save 8 KB of tiles when it switches threads.
  _tile_release();
  memory_barrier();
}

}  // namespace unsam::UNSAM_ISA
