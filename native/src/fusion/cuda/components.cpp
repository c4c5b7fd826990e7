#include "fusion/check.h"
#include "fusion/cuda/stages.h"

namespace unsam::cuda {
namespace {

constexpr std::size_t kPixels = std::size_t{1} << 28;  // of masks handled together: run numbers are 31 bits wide

// Runs and components of a stack of masks on the device.
struct Labelled {
  std::size_t n;             // runs
  Runs runs;
  std::uint32_t* row_start;  // [count * height + 1]
  std::uint32_t* components; // how many
  std::int32_t *of_run, *areas;
};

// Waits once, for the number of runs.
Labelled label(FusionCall& call, const std::uint32_t* words, std::size_t count, MaskShape shape, bool inverted,
               Connectivity connectivity) {
  Labelled found{};
  const std::size_t rows = count * shape.height;
  found.row_start = call.device<std::uint32_t>(rows + 1);
  kernels::count_runs(words, count, shape, inverted, found.row_start, call.stream());
  call.scan(found.row_start, rows);
  const std::uint32_t* total = call.fetch(found.row_start + rows, 1);
  call.wait();
  const std::size_t n = found.n = *total;
  if (n == 0) return found;
  found.runs = {call.device<std::int32_t>(n), call.device<std::int32_t>(n), call.device<std::uint32_t>(n),
                call.device<std::int32_t>(n)};
  kernels::write_runs(words, count, shape, inverted, found.row_start, found.runs, call.stream());
  kernels::join_runs(found.runs, found.row_start, n, shape.height, connectivity == Connectivity::eight ? 1 : 0, call.stream());
  std::uint32_t* number = call.device<std::uint32_t>(n + 1);
  kernels::find_first_runs(found.runs, n, number, call.stream());
  call.scan(number, n);
  found.components = number + n;
  found.of_run = call.device<std::int32_t>(n);
  found.areas = call.zeros<std::int32_t>(n);
  kernels::number_runs(found.runs, n, number, found.of_run, found.areas, call.stream());
  return found;
}

}  // namespace

Components Fusion::find_components(std::span<const std::uint32_t> words, std::size_t width, std::size_t height,
                                   Connectivity connectivity) const {
  check_mask(words, width, height);
  FusionCall call(*state_);
  const Labelled found = label(call, call.upload(words), 1, shape_of(width, height), false, connectivity);
  Components result;
  result.row_start.resize(height + 1);
  if (found.n == 0) return result;
  const std::uint32_t* components = call.fetch(found.components, 1);
  call.wait();
  result.areas.resize(*components);
  for (std::vector<std::int32_t>* values : {&result.start, &result.end, &result.of_run}) values->resize(found.n);
  call.download(result.start.data(), found.runs.start, found.n);
  call.download(result.end.data(), found.runs.end, found.n);
  call.download(result.of_run.data(), found.of_run, found.n);
  call.download(result.areas.data(), found.areas, result.areas.size());
  call.download(reinterpret_cast<std::uint32_t*>(result.row_start.data()), found.row_start, height + 1);
  return result;
}

MaskStack Fusion::remove_small_regions(const MaskStackView& masks, SmallRegions which, double min_area,
                                       Connectivity connectivity) const {
  check_mask_stack(masks);
  MaskStack result{masks.count, masks.width, masks.height, std::vector<std::uint32_t>(masks.words.size())};
  const MaskShape shape = shape_of(masks.width, masks.height);
  const bool holes = which == SmallRegions::holes;
  const std::size_t at_once = masks.count == 0 ? 1 : masks_at_once(masks.count, masks.width * masks.height, kPixels);
  for (std::size_t first = 0; first < masks.count; first += at_once) {
    const std::size_t n = std::min(at_once, masks.count - first), size = n * shape.words();
    FusionCall call(*state_);
    std::uint32_t* words = call.upload(masks.words.subspan(first * shape.words(), size));
    const Labelled found = label(call, words, n, shape, holes, connectivity);
    std::uint32_t* painted = words;  // holes are painted onto the mask, islands onto nothing
    unsigned long long* largest = nullptr;
    if (!holes) {
      painted = call.zeros<std::uint32_t>(size);
      largest = call.zeros<unsigned long long>(n);
    }
    if (found.n > 0) {
      if (!holes) {
        kernels::largest_components(found.runs, found.n, shape.height, found.of_run, found.areas, largest, call.stream());
      }
      kernels::paint_runs(found.runs, found.n, shape, found.of_run, found.areas, min_area, largest, painted, call.stream());
    }
    call.download(&result.words[first * shape.words()], painted, size);
  }
  return result;
}

}  // namespace unsam::cuda
