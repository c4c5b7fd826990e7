// Bit-packed masks: from low-resolution logits to masks, and what is done with single masks. The
// native versions of core/src/mask and core/src/fusion: the same input gives the same bits and the same numbers.
//
// Layout: rows of words_per_row(width) words, pixel (x, y) is bit x % 32 of word y * stride + x / 32, lowest bit first;
// the bits behind the last pixel of a row are 0. A NaN logit is background, as is every pixel interpolated from one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unsam/error.h"
#include "unsam/parallel.h"

namespace unsam {

inline constexpr std::size_t kMaxMasks = 16384;               // all pairs of them are half a gigabyte of counts
inline constexpr std::size_t kMaxMaskPixels = 0x7fffffff;     // every pixel index is a 32-bit integer

constexpr std::size_t words_per_row(std::size_t width) { return width / 32 + (width % 32 != 0); }

// Masks of one size behind each other; the memory is the caller's.
struct MaskStackView {
  std::size_t count, width, height;
  std::span<const std::uint32_t> words;  // [count, height, words_per_row(width)]
};

struct MaskStack {
  std::size_t count = 0, width = 0, height = 0;
  std::vector<std::uint32_t> words;
  operator MaskStackView() const { return {count, width, height, words}; }
};

// Throws Error(bad_prompt) where a size is impossible or the words are not as many as it says.
void check_mask_size(std::size_t width, std::size_t height);
void check_mask_stack(const MaskStackView& masks);

// Low-resolution logits of several masks, not clamped; the memory is the caller's.
struct LogitMaps {
  std::size_t count, height, width;
  std::span<const float> data;  // [count, height, width]
};

struct Thresholds {
  double threshold = 0.0;         // logits above it are foreground
  double stability_offset = 1.0;  // the stability score compares the masks at threshold -+ this
};

struct MaskStatistics {
  MaskStack masks;
  std::vector<std::uint32_t> areas;  // [count] foreground pixels
  std::vector<std::int32_t> boxes;   // [count, 4] x0, y0, x1, y1, corners inclusive; zeros for an empty mask
  std::vector<double> stability;     // [count] count(> t + offset) / count(> t - offset), 0 where the latter is 0
};

// One pass over K >= 1 logit maps at their own resolution. Throws Error(bad_prompt, bad_option).
MaskStatistics mask_statistics(const LogitMaps& maps, const Thresholds& thresholds, const ParallelFor& parallel);

struct CleanOptions {
  double max_hole_area = 0.0;      // connected background of at most this many pixels becomes foreground; 0: none does
  double max_sprinkle_area = 0.0;  // connected foreground of at most this many pixels becomes background; 0: none does
  double threshold = 0.0;          // logits above it are foreground
};

// Removes small holes and sprinkles from logits before they are upsampled, as the official predictor does: components
// are 8-connected, and both kinds are found in the logits as given. Throws Error(bad_prompt, bad_option).
std::vector<float> clean_logits(const LogitMaps& maps, const CleanOptions& options, const ParallelFor& parallel);

// COCO's run lengths: alternating background and foreground, background first, column by column.
using RunLengths = std::vector<std::uint32_t>;

struct FinishOptions {
  Thresholds thresholds;
  bool keep_words = true;    // without: `masks.words` stays empty, and memory is one mask per thread
  bool run_lengths = true;
};

struct FinishedMasks {
  MaskStatistics statistics;             // at image size
  std::vector<RunLengths> run_lengths;   // [count], or empty
};

// K >= 1 logit maps to masks at image size: bilinear with half-pixel centres (PyTorch's interpolate, align_corners
// false, no antialiasing), then > threshold. Throws Error(bad_prompt, bad_option).
FinishedMasks finish_masks(const LogitMaps& maps, std::size_t width, std::size_t height, const FinishOptions& options,
                           const ParallelFor& parallel);

// Run lengths of one mask. Throws Error(bad_prompt).
RunLengths encode_rle(std::span<const std::uint32_t> words, std::size_t width, std::size_t height);
// The bits of run lengths of untrusted origin. Throws Error(bad_file) unless they cover width x height exactly;
// sizes beyond max_pixels are refused before anything is allocated.
std::vector<std::uint32_t> decode_rle(std::span<const std::uint32_t> counts, std::size_t width, std::size_t height,
                                      std::size_t max_pixels);
// The text COCO's tools pack run lengths into, and back. Throws Error(bad_file) for what no encoder writes.
std::string encode_counts(std::span<const std::uint32_t> counts);
RunLengths decode_counts(std::string_view text);

// 4: pixels that share an edge are connected; 8: those that share a corner, too.
enum class Connectivity { four = 4, eight = 8 };

// The horizontal runs of foreground, row by row, joined into components that are numbered from 0 in the order of
// their first pixels.
struct Components {
  std::vector<std::int32_t> start, end;    // [runs] first column, column behind the last
  std::vector<std::int32_t> row_start;     // [height + 1] the runs of row y are row_start[y] .. row_start[y + 1] - 1
  std::vector<std::int32_t> of_run;        // [runs]
  std::vector<std::int32_t> areas;         // [components]
};

// Throws Error(bad_prompt).
Components find_components(std::span<const std::uint32_t> words, std::size_t width, std::size_t height,
                           Connectivity connectivity);

enum class SmallRegions { holes, islands };

// Fills the holes (any connected background), or removes the islands, of less than min_area pixels; if all islands are
// small, the largest one (the first of equals) stays. Throws Error(bad_prompt).
std::vector<std::uint32_t> remove_small_regions(std::span<const std::uint32_t> words, std::size_t width,
                                                std::size_t height, SmallRegions which, double min_area,
                                                Connectivity connectivity = Connectivity::eight);

}  // namespace unsam
