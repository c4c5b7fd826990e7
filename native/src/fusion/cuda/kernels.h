// What the .cu files of this folder launch. Device pointers throughout; nothing waits. Index arithmetic: a mask has less
// than 2^31 pixels and words, so a place within a mask is 32 bits wide; places within a stack are size_t.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "fusion/finish_limits.h"
#include "fusion/float_box.h"

namespace unsam::cuda {

// What is counted of a mask while it is made. All fields grow from 0, so that blocks add to them in any order: an edge of
// the box is kept as its distance from the opposite side of the image. An empty mask has zeros.
struct Tally {
  std::uint32_t area, low, high;  // pixels above the threshold, and above it -+ the stability offset
  std::uint32_t left, top;        // width - x0, height - y0
  std::uint32_t right, bottom;    // x1 + 1, y1 + 1
  std::uint32_t unused;
};

struct MaskShape {
  std::uint32_t width, height, stride;  // stride: words per row
  std::size_t words() const { return std::size_t{stride} * height; }
};

// Square bit matrices over masks: rows of words_per_row(count) words, zero before.
struct Relations {
  std::uint32_t* strikes;  // row i, bit j > i: their IoU is above max_iou; or null
  std::uint32_t* holds;    // row i, bit j != i: mask j holds at least the share `containment` of mask i; or null
};

struct ForestView {
  const std::int32_t* parent;
  const std::int32_t* rank;  // place in the painting order
  const std::uint16_t* level;
};

// The horizontal runs of a stack of masks, over the rows of all masks.
struct Runs {
  std::int32_t *start, *end;  // [runs]
  std::uint32_t* row;         // [runs] of the stack
  std::int32_t* parent;       // [runs] becomes the component's first run
};

namespace kernels {

// The logits x of `count` masks: bit = x > middle. `order`: mask k is made from map order[k]; null: from map k. Tallies
// must be zero. Reads 4 bytes and writes 1/8 byte a pixel.
void mask_statistics(const float* logits, const std::int32_t* order, std::size_t count, MaskShape shape, float low,
                     float middle, float high, std::uint32_t* masks, Tally* tallies, cudaStream_t stream);

// Maps of width x height to masks of the shape, interpolated. Tallies must be zero.
void finish(const float* logits, std::size_t count, std::uint32_t width, std::uint32_t height, MaskShape shape,
            const FinishLimits& limits, std::uint32_t* masks, Tally* tallies, cudaStream_t stream);

// Mask i of the result is mask chosen[i].
void gather_masks(const std::uint32_t* masks, const std::int32_t* chosen, std::size_t count, MaskShape shape,
                  std::uint32_t* gathered, cudaStream_t stream);

// Common pixels of all pairs, upper triangle by rows. Of the tallies, top and bottom are read: rows in between are counted.
void overlaps(const std::uint32_t* masks, const Tally* tallies, std::size_t count, MaskShape shape, std::uint32_t* common,
              cudaStream_t stream);
// The same counts, of which only comparisons are kept. Reads the tallies' areas, too.
void relations(const std::uint32_t* masks, const Tally* tallies, std::size_t count, MaskShape shape, double max_iou,
               double containment, Relations bits, cudaStream_t stream);

// Row i, bit j > i: the IoU of boxes i and j is above max_iou, in float32. Zero before.
void box_strikes(const FloatBox* boxes, std::size_t count, double max_iou, std::uint32_t* strikes, cudaStream_t stream);

// From the first to the last: what has not been struck out stays and strikes out its row. What is smaller than min_area
// goes from the start (tallies may be null). stays: words_per_row(count) words.
void greedy_pass(const std::uint32_t* strikes, std::size_t count, const Tally* tallies, double min_area,
                 std::uint32_t* stays, cudaStream_t stream);

// For each mask that stays, the least larger one (by area, score, and the lower index as the larger) that stays and holds
// it, or -1.
void find_parents(const std::uint32_t* holds, const Tally* tallies, const double* scores, const std::uint32_t* stays,
                  std::size_t count, std::int32_t* parents, cudaStream_t stream);

// labels[y][x] = painting[n] + 1 for the last n whose mask has the pixel, 0 where none has.
void finest_labels(const std::uint32_t* masks, const std::int32_t* painting, std::size_t count, MaskShape shape,
                   std::int32_t* labels, cudaStream_t stream);
// labels[i] = owners[finest[i]].
void replace_labels(const std::int32_t* finest, const std::int32_t* owners, std::size_t pixels, std::int32_t* labels,
                    cudaStream_t stream);
void fuse_labels(const std::int32_t* finest, ForestView forest, std::uint32_t width, std::uint32_t height,
                 std::uint16_t* right, std::uint16_t* below, cudaStream_t stream);

// In place: each value becomes the sum of those before it, modulo 2^32. `sums`: scan_scratch(n) values.
std::size_t scan_scratch(std::size_t n);
void exclusive_scan(std::uint32_t* values, std::size_t n, std::uint32_t* sums, cudaStream_t stream);

// The pixels of each column, top to bottom, that differ from the pixel before them in column-major order. Without
// `places`: how many, into columns [count, width]. With it: their indices x * height + y, from places[columns[..]] on.
void column_changes(const std::uint32_t* masks, const Tally* tallies, std::size_t count, MaskShape shape,
                    std::uint32_t* columns, std::uint32_t* places, cudaStream_t stream);
// firsts[k] = columns[k * width] for k <= count.
void first_columns(const std::uint32_t* columns, std::size_t count, std::uint32_t width, std::uint32_t* firsts,
                   cudaStream_t stream);

// Foreground runs of each row, of the background where inverted.
void count_runs(const std::uint32_t* masks, std::size_t count, MaskShape shape, bool inverted, std::uint32_t* of_row,
                cudaStream_t stream);
void write_runs(const std::uint32_t* masks, std::size_t count, MaskShape shape, bool inverted,
                const std::uint32_t* row_start, Runs runs, cudaStream_t stream);
// `reach`: 1 where corners connect, else 0.
void join_runs(Runs runs, const std::uint32_t* row_start, std::size_t n, std::uint32_t height, std::int32_t reach,
               cudaStream_t stream);
// first[k] = 1 where run k is the first of its component, else 0, and first[n] = 0; parents become roots.
void find_first_runs(Runs runs, std::size_t n, std::uint32_t* first, cudaStream_t stream);
// of_run[k] = number[parent[k]], areas (zero before) summed up.
void number_runs(Runs runs, std::size_t n, const std::uint32_t* number, std::int32_t* of_run, std::int32_t* areas,
                 cudaStream_t stream);
// largest[mask] (zero before): area << 32 | ~component of the mask's largest component, of equals the first.
void largest_components(Runs runs, std::size_t n, std::uint32_t height, const std::int32_t* of_run,
                        const std::int32_t* areas, unsigned long long* largest, cudaStream_t stream);
// Sets the pixels of the chosen runs. Without `largest`: those of components below min_area; with it: those from min_area
// on, or the largest where there is none.
void paint_runs(Runs runs, std::size_t n, MaskShape shape, const std::int32_t* of_run, const std::int32_t* areas,
                double min_area, const unsigned long long* largest, std::uint32_t* masks, cudaStream_t stream);

}  // namespace kernels
}  // namespace unsam::cuda
