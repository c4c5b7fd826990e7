// The reduction over image tokens on AMX tiles: depth is the lanes, so the right-hand side, rows of lanes too, is
// transposed in pairs of lanes first.
#pragma once

#include "cpu/kernels/amx.h"

namespace unsam::UNSAM_ISA {

constexpr std::size_t kDotBlocks = kChunkBlocks;  // at most, in one call
constexpr std::size_t kDotSteps = kLanes / kAmxDepth;

// out[j][i] = rows[i][j] for up to 16 rows of 16 words of 32 bits; missing rows are zero. rows `stride` words apart.
inline void transpose_words(const std::uint32_t* rows, std::size_t count, std::size_t stride, std::uint32_t* out) {
  __m512i r[16], s[16];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) r[i] = i < count ? _mm512_loadu_si512(rows + i * stride) : _mm512_setzero_si512();
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 16; i += 2) {
    s[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(s[i], s[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(s[i], s[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(s[i + 1], s[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(s[i + 1], s[i + 3]);
  }
  // r[4 q + c]: in each quarter k of the register, column 4 k + c of rows 4 q to 4 q + 3.
#pragma GCC unroll 4
  for (std::size_t c = 0; c < 4; ++c) {
    const __m512i low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x44), high = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xee);
    const __m512i low2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x44), high2 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xee);
    _mm512_storeu_si512(out + c * 16, _mm512_shuffle_i32x4(low, low2, 0x88));
    _mm512_storeu_si512(out + (4 + c) * 16, _mm512_shuffle_i32x4(low, low2, 0xdd));
    _mm512_storeu_si512(out + (8 + c) * 16, _mm512_shuffle_i32x4(high, high2, 0x88));
    _mm512_storeu_si512(out + (12 + c) * 16, _mm512_shuffle_i32x4(high, high2, 0xdd));
  }
}

// Sums of up to four tiles of rows, tiles 0 to 3, for 16 columns or fewer; tile 4: rows of A, 5: of the last, shorter
// tile, 6: B.
inline void dot_amx(const Dot<std::uint16_t>& d) {
  constexpr std::size_t lane_bytes = kLanes * sizeof(std::uint16_t);
  alignas(64) std::uint32_t turned[kDotBlocks * kDotSteps][16 * 16];
  for (std::size_t col = 0; col < d.n; col += 16) {
    const std::size_t cols = d.n - col < 16 ? d.n - col : 16;
    for (std::size_t step = 0; step < d.blocks * kDotSteps; ++step) {
      const std::uint16_t* from = d.b + step / kDotSteps * d.b_block + col * kLanes + step % kDotSteps * kAmxDepth;
      transpose_words(reinterpret_cast<const std::uint32_t*>(from), cols, kLanes / 2, turned[step]);
    }
    for (std::size_t row = 0; row < d.m; row += 4 * kAmxRows) {
      const std::size_t rows = d.m - row < 4 * kAmxRows ? d.m - row : 4 * kAmxRows;
      const std::size_t tiles = (rows + kAmxRows - 1) / kAmxRows, last = rows - (tiles - 1) * kAmxRows;
      TileConfig config;
      for (std::size_t tile = 0; tile < tiles; ++tile) config.set(tile, tile + 1 < tiles ? kAmxRows : last, 4 * cols);
      config.set(4, kAmxRows, 64);
      config.set(5, last, 64);
      config.set(6, 16, 4 * cols);
      configure(config);
      const std::uint16_t* a = d.a + row * kLanes;
      const auto end = [&](std::size_t tile) { return a + tile * kAmxRows * kLanes; };
      _tile_zero(0);
      if (tiles > 1) _tile_zero(1);
      if (tiles > 2) _tile_zero(2);
      if (tiles > 3) _tile_zero(3);
      for (std::size_t step = 0; step < d.blocks * kDotSteps; ++step) {
        const std::size_t at = step / kDotSteps * d.a_block + step % kDotSteps * kAmxDepth;
        _tile_loadd(6, turned[step], 64);
        if (tiles > 1) {
          _tile_loadd(4, end(0) + at, lane_bytes);
          _tile_dpbf16ps(0, 4, 6);
        }
        if (tiles > 2) {
          _tile_loadd(4, end(1) + at, lane_bytes);
          _tile_dpbf16ps(1, 4, 6);
        }
        if (tiles > 3) {
          _tile_loadd(4, end(2) + at, lane_bytes);
          _tile_dpbf16ps(2, 4, 6);
        }
        _tile_loadd(5, end(tiles - 1) + at, lane_bytes);
        if (tiles == 1) _tile_dpbf16ps(0, 5, 6);
        if (tiles == 2) _tile_dpbf16ps(1, 5, 6);
        if (tiles == 3) _tile_dpbf16ps(2, 5, 6);
        if (tiles == 4) _tile_dpbf16ps(3, 5, 6);
      }
      float* out = d.out + row * d.ldo + col;
      const std::size_t out_bytes = d.ldo * sizeof(float);
      _tile_stored(0, out, out_bytes);
      if (tiles > 1) _tile_stored(1, out + kAmxRows * d.ldo, out_bytes);
      if (tiles > 2) _tile_stored(2, out + 2 * kAmxRows * d.ldo, out_bytes);
      if (tiles > 3) _tile_stored(3, out + 3 * kAmxRows * d.ldo, out_bytes);
      memory_barrier();
    }
  }
  release_tiles();
}

}  // namespace unsam::UNSAM_ISA
