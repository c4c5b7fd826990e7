// Bits of one row or one mask, in the layout of unsam/masks.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "unsam/masks.h"

namespace unsam {

// The bits of a row's last word that are pixels.
inline std::uint32_t last_word_mask(std::size_t width) {
  return width % 32 == 0 ? 0xffffffffu : (1u << (width % 32)) - 1u;
}

// Sets the pixels x0 <= x < x1 of a row.
inline void set_run(std::uint32_t* row, std::size_t x0, std::size_t x1) {
  if (x0 >= x1) return;
  const std::size_t first = x0 / 32, last = (x1 - 1) / 32;
  const std::uint32_t head = 0xffffffffu << (x0 % 32), tail = 0xffffffffu >> (31 - (x1 - 1) % 32);
  if (first == last) {
    row[first] |= head & tail;
    return;
  }
  row[first] |= head;
  for (std::size_t i = first + 1; i < last; ++i) row[i] = 0xffffffffu;
  row[last] |= tail;
}

// The first set (or, inverted, clear) pixel at or behind column x; `width` if there is none.
template <bool Set>
std::size_t next_pixel(const std::uint32_t* row, std::size_t x, std::size_t width) {
  if (x >= width) return width;
  std::size_t i = x / 32;
  std::uint32_t word = (Set ? row[i] : ~row[i]) & (0xffffffffu << (x % 32));
  const std::size_t words = words_per_row(width);
  while (word == 0) {
    if (++i == words) return width;
    word = Set ? row[i] : ~row[i];
  }
  const std::size_t found = i * 32 + static_cast<std::size_t>(std::countr_zero(word));
  return found < width ? found : width;
}

// Calls run(start, end) for every run of set pixels of a row, left to right.
template <typename Run>
void for_each_run(const std::uint32_t* row, std::size_t width, Run&& run) {
  for (std::size_t x = next_pixel<true>(row, 0, width); x < width;) {
    const std::size_t end = next_pixel<false>(row, x, width);
    run(x, end);
    x = next_pixel<true>(row, end, width);
  }
}

// Corners x0, y0, x1, y1 of the foreground, inclusive; zeros where there is none. `columns`: one row of scratch words.
inline void bounding_box(const std::uint32_t* words, std::size_t width, std::size_t height,
                         std::span<std::uint32_t> columns, std::int32_t box[4]) {
  const std::size_t stride = words_per_row(width);
  std::size_t top = height, bottom = 0;
  for (std::uint32_t& column : columns) column = 0;
  for (std::size_t y = 0; y < height; ++y) {
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < stride; ++i) {
      const std::uint32_t word = words[y * stride + i];
      any |= word;
      columns[i] |= word;
    }
    if (any == 0) continue;
    if (top == height) top = y;
    bottom = y;
  }
  for (int i = 0; i < 4; ++i) box[i] = 0;
  if (top == height) return;
  std::size_t first = 0, last = stride - 1;
  while (columns[first] == 0) ++first;
  while (columns[last] == 0) --last;
  box[0] = static_cast<std::int32_t>(first * 32 + static_cast<std::size_t>(std::countr_zero(columns[first])));
  box[1] = static_cast<std::int32_t>(top);
  box[2] = static_cast<std::int32_t>(last * 32 + 31 - static_cast<std::size_t>(std::countl_zero(columns[last])));
  box[3] = static_cast<std::int32_t>(bottom);
}

}  // namespace unsam
