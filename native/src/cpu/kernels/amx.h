// Tile registers: configuration, and the difference to ordinary memory operations.
#pragma once

#include <immintrin.h>

#include "cpu/kernels.h"

namespace unsam::UNSAM_ISA {

constexpr std::size_t kAmxRows = 16, kAmxDepth = 32;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  void set(std::size_t tile, std::size_t n, std::size_t bytes) {
    rows[tile] = static_cast<std::uint8_t>(n);
    row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  }
};

// The compiler does not know that tile loads and stores touch memory.
inline void memory_barrier() { asm volatile("" ::: "memory"); }

inline void configure(const TileConfig& config) {
  memory_barrier();
  _tile_loadconfig(&config);
}

// Back to the initial state: the system need not save 8 KB of tiles when it switches threads.
inline void release_tiles() {
  _tile_release();
  memory_barrier();
}

}  // namespace unsam::UNSAM_ISA
