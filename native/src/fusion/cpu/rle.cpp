#include "fusion/cpu/rle.h"

#include <algorithm>
#include <bit>
#include <string>

#include "fusion/cpu/bits.h"
#include "fusion/check.h"

namespace unsam {

// A run begins where a pixel differs from the one before it in column-major order: from the one above, and at the top
// from the bottom one of the column to the left. These places are found row by row, 32 columns at a time, and sorted by
// column; rows come in order, so counting is enough.
RunLengths encode_box_rle(const std::uint32_t* words, std::size_t width, std::size_t height,
                          const std::int32_t box[4]) {
  const std::size_t stride = words_per_row(width);
  struct Change {
    std::uint32_t x, y;
  };
  std::vector<Change> changes;
  std::vector<std::uint32_t> next(width + 1);
  const auto note = [&](std::uint32_t differing, std::size_t word, std::size_t y) {
    for (; differing != 0; differing &= differing - 1) {
      const auto x = static_cast<std::uint32_t>(word * 32) + static_cast<std::uint32_t>(std::countr_zero(differing));
      changes.push_back({x, static_cast<std::uint32_t>(y)});
      ++next[x + 1];
    }
  };
  const std::uint32_t* bottom = words + (height - 1) * stride;
  for (std::size_t i = 0; i < stride; ++i) {
    const std::uint32_t left = bottom[i] << 1 | (i == 0 ? 0 : bottom[i - 1] >> 31);
    const std::uint32_t inside = i + 1 == stride ? last_word_mask(width) : 0xffffffffu;
    note((words[i] ^ left) & inside, i, 0);
  }
  const std::size_t first = static_cast<std::size_t>(box[0]) / 32, last = static_cast<std::size_t>(box[2]) / 32;
  const std::size_t end = std::min(height, static_cast<std::size_t>(box[3]) + 2);
  for (std::size_t y = std::max<std::size_t>(1, static_cast<std::size_t>(box[1])); y < end; ++y) {
    const std::uint32_t* row = words + y * stride;
    for (std::size_t i = first; i <= last; ++i) note(row[i] ^ (row - stride)[i], i, y);
  }

  for (std::size_t x = 0; x < width; ++x) next[x + 1] += next[x];
  RunLengths counts(changes.size() + 1);
  for (const Change& change : changes) {
    counts[next[change.x]++] = static_cast<std::uint32_t>(change.x * height + change.y);
  }
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const std::uint32_t at = counts[i];
    counts[i] = at - before;
    before = at;
  }
  counts[changes.size()] = static_cast<std::uint32_t>(width * height) - before;
  return counts;
}

RunLengths encode_rle(std::span<const std::uint32_t> words, std::size_t width, std::size_t height) {
  check_mask(words, width, height);
  const std::int32_t whole[4] = {0, 0, static_cast<std::int32_t>(width - 1), static_cast<std::int32_t>(height - 1)};
  return encode_box_rle(words.data(), width, height, whole);
}

// Marks where foreground begins and ends in each column, then carries the marks down the rows.
std::vector<std::uint32_t> decode_rle(std::span<const std::uint32_t> counts, std::size_t width, std::size_t height,
                                      std::size_t max_pixels) {
  const std::size_t limit = std::min(max_pixels, kMaxMaskPixels);
  if (width < 1 || height < 1 || width > limit || height > limit / width) {
    throw Error(ErrorCode::bad_file, "An RLE of " + std::to_string(width) + "x" + std::to_string(height) +
                                         " pixels cannot be read; sides are from 1, and the limit is " +
                                         std::to_string(limit) + " pixels (maxPixels).");
  }
  std::uint64_t total = 0;
  for (const std::uint32_t count : counts) total += count;
  if (total != width * height) {
    throw Error(ErrorCode::bad_file, "The runs of an RLE cover " + std::to_string(total) + " pixels, but its size is " +
                                         std::to_string(width) + "x" + std::to_string(height) + " = " +
                                         std::to_string(width * height) + ".");
  }
  const std::size_t stride = words_per_row(width);
  std::vector<std::uint32_t> words(stride * height);
  std::size_t position = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::size_t end = position + counts[i];
    if (i % 2 == 1 && end > position) {
      const std::size_t last = (end - 1) / height;
      for (std::size_t x = position / height; x <= last; ++x) {
        const std::uint32_t bit = 1u << (x % 32);
        const std::size_t from = position > x * height ? position - x * height : 0, to = end - x * height;
        words[from * stride + x / 32] ^= bit;
        if (to < height) words[to * stride + x / 32] ^= bit;
      }
    }
    position = end;
  }
  for (std::size_t i = stride; i < words.size(); ++i) words[i] ^= words[i - stride];
  return words;
}

}  // namespace unsam
