// Low-resolution logits to masks at image size. An interpolated value lies between the four logits around it; where
// they agree on which side of all thresholds they are, whole runs of pixels are settled without interpolation, for all
// rows of the image between two rows of logits at once.
#include <algorithm>
#include <cmath>

#include "fusion/cpu/bits.h"
#include "fusion/check.h"
#include "fusion/finish_limits.h"
#include "fusion/cpu/kernels.h"
#include "fusion/cpu/rle.h"
#include "unsam/masks.h"

namespace unsam {
namespace {

// Where each of `out_size` positions lies between `size` samples; float32 as in PyTorch.
struct Positions {
  std::vector<std::int32_t> before, after;
  std::vector<float> fraction;
  std::vector<std::size_t> first;  // [size + 1] the positions first[i] .. first[i + 1] - 1 lie behind sample i

  Positions(std::size_t size, std::size_t out_size)
      : before(out_size), after(out_size), fraction(out_size), first(size + 1, out_size) {
    const float scale = static_cast<float>(static_cast<double>(size) / static_cast<double>(out_size));
    const auto last = static_cast<std::int32_t>(size - 1);
    for (std::size_t i = out_size; i-- > 0;) {
      const float centre =
          static_cast<float>(static_cast<double>(scale) * (static_cast<double>(i) + 0.5));
      const float position = std::max(0.0f, static_cast<float>(static_cast<double>(centre) - 0.5));
      before[i] = static_cast<std::int32_t>(std::min<double>(std::floor(position), last));
      after[i] = before[i] == last ? last : before[i] + 1;
      fraction[i] = static_cast<float>(
          std::min(static_cast<double>(position) - static_cast<double>(before[i]), 1.0));
      first[static_cast<std::size_t>(before[i])] = i;
    }
    for (std::size_t i = size; i-- > 0;) first[i] = std::min(first[i], first[i + 1]);
  }
};

// Bit i of `out`: bits i and i + 1 of both rows are set; the last column stands for its missing right neighbour.
void join_cells(const std::uint32_t* a, const std::uint32_t* b, std::size_t width, std::uint32_t* out) {
  const std::size_t words = words_per_row(width);
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint32_t here = a[i] & b[i];
    const std::uint32_t next = i + 1 < words ? a[i + 1] & b[i + 1] : 0;
    out[i] = here & (here >> 1 | next << 31);
  }
  const std::uint32_t last = 1u << ((width - 1) % 32);
  out[words - 1] |= a[words - 1] & b[words - 1] & last;
}

// One mask after the other; the buffers are kept between them.
class Finisher {
 public:
  Finisher(const LogitMaps& maps, const FinishLimits& limits, const Positions& columns, const Positions& rows)
      : kernels_(fusion_kernels()),
        h_(maps.height),
        w_(maps.width),
        width_(columns.before.size()),
        height_(rows.before.size()),
        stride_(words_per_row(width_)),
        cell_stride_(words_per_row(w_)),
        limits_(limits),
        columns_(columns),
        rows_(rows),
        above_(h_ * cell_stride_),
        below_(h_ * cell_stride_),
        settled_(cell_stride_),
        open_(cell_stride_),
        template_(stride_),
        wanted_(stride_),
        upper_(stride_ * 32),
        lower_(stride_ * 32) {}

  // `words`: the mask, all zero before. Returns the stability counts.
  StabilityCounts finish(const float* logits, std::uint32_t* words) {
    for (std::size_t y = 0; y < h_; ++y) {
      kernels_.classify_row(logits + y * w_, w_, limits_.surely_below, limits_.surely_above,
                            &above_[y * cell_stride_], &below_[y * cell_stride_]);
    }
    upper_row_ = lower_row_ = h_;
    StabilityCounts counts;
    for (std::size_t y0 = 0; y0 < h_; ++y0) {
      const std::size_t begin = rows_.first[y0], end = rows_.first[y0 + 1];
      if (begin == end) continue;
      const std::size_t y1 = std::min(y0 + 1, h_ - 1);
      const bool any_open = settle(y0, y1);
      const std::uint64_t certain = kernels_.common_bits(template_.data(), template_.data(), stride_);
      counts.low += certain * (end - begin);
      counts.high += certain * (end - begin);
      if (certain == 0 && !any_open) continue;
      if (any_open) stretch(logits, y0, y1);
      for (std::size_t y = begin; y < end; ++y) {
        std::uint32_t* row = words + y * stride_;
        std::copy(template_.begin(), template_.end(), row);
        if (!any_open) continue;
        kernels_.blend_rows(upper_.data(), y0 == y1 ? upper_.data() : lower_.data(), rows_.fraction[y], wanted_.data(),
                            stride_, limits_.low, limits_.middle, limits_.high, row, &counts);
      }
    }
    return counts;
  }

 private:
  // Fills template_ (pixels surely above) and wanted_ (pixels to be computed) for the image rows between two rows of
  // logits; tells whether anything is wanted.
  bool settle(std::size_t y0, std::size_t y1) {
    join_cells(&above_[y0 * cell_stride_], &above_[y1 * cell_stride_], w_, settled_.data());
    join_cells(&below_[y0 * cell_stride_], &below_[y1 * cell_stride_], w_, open_.data());
    for (std::size_t i = 0; i < cell_stride_; ++i) open_[i] = ~(open_[i] | settled_[i]);
    open_[cell_stride_ - 1] &= last_word_mask(w_);
    std::fill(template_.begin(), template_.end(), 0);
    std::fill(wanted_.begin(), wanted_.end(), 0);
    for_each_run(settled_.data(), w_, [this](std::size_t start, std::size_t end) {
      set_run(template_.data(), columns_.first[start], columns_.first[end]);
    });
    bool any = false;
    for_each_run(open_.data(), w_, [this, &any](std::size_t start, std::size_t end) {
      set_run(wanted_.data(), columns_.first[start], columns_.first[end]);
      any = true;
    });
    return any;
  }

  void stretch(const float* logits, std::size_t y0, std::size_t y1) {
    if (upper_row_ != y0) {
      if (lower_row_ == y0) {
        std::swap(upper_, lower_);
        lower_row_ = upper_row_;
      } else {
        stretch_row(logits + y0 * w_, upper_);
      }
      upper_row_ = y0;
    }
    if (y1 != y0 && lower_row_ != y1) {
      stretch_row(logits + y1 * w_, lower_);
      lower_row_ = y1;
    }
  }

  void stretch_row(const float* row, std::vector<float>& out) {
    kernels_.stretch_row(row, columns_.before.data(), columns_.after.data(), columns_.fraction.data(), width_,
                         out.data());
  }

  const FusionKernels& kernels_;
  std::size_t h_, w_, width_, height_, stride_, cell_stride_;
  const FinishLimits& limits_;
  const Positions& columns_;
  const Positions& rows_;
  std::vector<std::uint32_t> above_, below_;  // [h, cell_stride] which side of all thresholds a logit surely is on
  std::vector<std::uint32_t> settled_, open_;
  std::vector<std::uint32_t> template_, wanted_;
  std::vector<float> upper_, lower_;  // rows of logits at image width, padded to whole words
  std::size_t upper_row_ = 0, lower_row_ = 0;
};

}  // namespace

FinishedMasks finish_masks(const LogitMaps& maps, std::size_t width, std::size_t height, const FinishOptions& options,
                           const ParallelFor& parallel) {
  check_logit_maps(maps);
  check_thresholds(options.thresholds);
  check_mask_size(width, height);
  const FinishLimits limits = finish_limits(options.thresholds);
  const Positions columns(maps.width, width), rows(maps.height, height);
  const std::size_t stride = words_per_row(width), size = stride * height;

  FinishedMasks result;
  MaskStatistics& statistics = result.statistics;
  statistics.masks = {maps.count, width, height, {}};
  if (options.keep_words) statistics.masks.words.resize(maps.count * size);
  statistics.areas.resize(maps.count);
  statistics.boxes.resize(4 * maps.count);
  statistics.stability.resize(maps.count);
  if (options.run_lengths) result.run_lengths.resize(maps.count);

  // A few masks per item, so that buffers are made seldom and the work still spreads evenly.
  constexpr std::size_t kGroup = 4;
  parallel((maps.count + kGroup - 1) / kGroup, [&](std::size_t item) {
    Finisher finisher(maps, limits, columns, rows);
    std::vector<std::uint32_t> own(options.keep_words ? 0 : size);
    std::vector<std::uint32_t> scratch(stride);
    for (std::size_t k = item * kGroup; k < std::min((item + 1) * kGroup, maps.count); ++k) {
      std::uint32_t* words = options.keep_words ? statistics.masks.words.data() + k * size : own.data();
      if (!options.keep_words) std::fill(own.begin(), own.end(), 0);
      const StabilityCounts counts = finisher.finish(maps.data.data() + k * maps.height * maps.width, words);
      statistics.stability[k] =
          counts.low == 0 ? 0.0 : static_cast<double>(counts.high) / static_cast<double>(counts.low);
      statistics.areas[k] = static_cast<std::uint32_t>(fusion_kernels().common_bits(words, words, size));
      std::int32_t* box = &statistics.boxes[4 * k];
      bounding_box(words, width, height, scratch, box);
      if (options.run_lengths) result.run_lengths[k] = encode_box_rle(words, width, height, box);
    }
  });
  return result;
}

}  // namespace unsam
