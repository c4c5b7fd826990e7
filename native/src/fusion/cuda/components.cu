// Connected components of runs, for many masks at once. Runs are found row by row, then joined with those of the row above
// by a union-find without locks: a run's parent is never behind it, so a component's root is its first run, whatever the
// order in which runs were joined.
#include "cuda/device/warp.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/launch.h"

namespace unsam::cuda {
namespace {

constexpr unsigned kWarps = 8, kThreads = 256;

struct Row {
  const std::uint32_t* words;
  std::uint32_t stride, last_word, flip;
  // Word i, 0 beyond the row on both sides.
  __device__ std::uint32_t word(std::int64_t i) const {
    if (i < 0 || i >= stride) return 0;
    const std::uint32_t bits = words[i] ^ flip;
    return i + 1 == stride ? bits & last_word : bits;
  }
  // First and last pixels of runs within word i.
  __device__ std::uint32_t starts(std::int64_t i) const {
    const std::uint32_t bits = word(i);
    return bits & ~(bits << 1 | word(i - 1) >> 31);
  }
  __device__ std::uint32_t ends(std::int64_t i) const {
    const std::uint32_t bits = word(i);
    return bits & ~(bits >> 1 | word(i + 1) << 31);
  }
};

__device__ __forceinline__ Row row_at(const std::uint32_t* masks, const MaskShape& shape, bool inverted, std::size_t row) {
  const std::uint32_t last = shape.width % 32 == 0 ? 0xffffffffu : (1u << shape.width % 32) - 1;
  return {masks + row * shape.stride, shape.stride, last, inverted ? 0xffffffffu : 0};
}

__device__ __forceinline__ std::uint32_t bits_in(std::uint32_t word) { return static_cast<std::uint32_t>(__popc(word)); }

// A warp a row.
__global__ void __launch_bounds__(32 * kWarps)
    count_runs_kernel(const std::uint32_t* __restrict__ masks, std::size_t rows, MaskShape shape, bool inverted,
                      std::uint32_t* __restrict__ of_row) {
  const unsigned lane = threadIdx.x % 32;
  const std::size_t y = std::size_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (y >= rows) return;  // the whole warp
  const Row row = row_at(masks, shape, inverted, y);
  std::uint32_t found = 0;
  for (std::uint32_t i = lane; i < shape.stride; i += 32) found += bits_in(row.starts(i));
  found = __reduce_add_sync(kFullWarp, found);
  if (lane == 0) of_row[y] = found;
}

__device__ __forceinline__ std::uint32_t sum_before(std::uint32_t value, unsigned lane) {
  std::uint32_t sum = value;
  for (unsigned lanes = 1; lanes < 32; lanes *= 2) {
    const std::uint32_t other = __shfl_up_sync(kFullWarp, sum, lanes);
    if (lane >= lanes) sum += other;
  }
  return sum - value;
}

// A warp a row. Run n of a row has the n-th start and the n-th end.
__global__ void __launch_bounds__(32 * kWarps)
    write_runs_kernel(const std::uint32_t* __restrict__ masks, std::size_t rows, MaskShape shape, bool inverted,
                      const std::uint32_t* __restrict__ row_start, Runs runs) {
  const unsigned lane = threadIdx.x % 32;
  const std::size_t y = std::size_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (y >= rows) return;  // the whole warp
  const Row row = row_at(masks, shape, inverted, y);
  std::uint32_t start_base = row_start[y], end_base = start_base;
  for (std::uint32_t first = 0; first < shape.stride; first += 32) {
    const std::uint32_t i = first + lane;
    std::uint32_t starts = row.starts(i), ends = row.ends(i);  // 0 beyond the row
    std::uint32_t at = start_base + sum_before(bits_in(starts), lane);
    start_base += __reduce_add_sync(kFullWarp, bits_in(starts));
    for (; starts != 0; starts &= starts - 1, ++at) {
      runs.start[at] = static_cast<std::int32_t>(32 * i) + __ffs(static_cast<int>(starts)) - 1;
      runs.row[at] = static_cast<std::uint32_t>(y);
      runs.parent[at] = static_cast<std::int32_t>(at);
    }
    at = end_base + sum_before(bits_in(ends), lane);
    end_base += __reduce_add_sync(kFullWarp, bits_in(ends));
    for (; ends != 0; ends &= ends - 1, ++at) {
      runs.end[at] = static_cast<std::int32_t>(32 * i) + __ffs(static_cast<int>(ends));
    }
  }
}

// Past the first level cache, which does not see other multiprocessors' joins; an old value would be right, but slower.
__device__ __forceinline__ std::int32_t find_root(const std::int32_t* parent, std::int32_t run) {
  for (std::int32_t up = __ldcg(parent + run); up != run; up = __ldcg(parent + run)) run = up;
  return run;
}

__device__ __forceinline__ void join(std::int32_t* parent, std::int32_t a, std::int32_t b) {
  for (;;) {
    a = find_root(parent, a);
    b = find_root(parent, b);
    if (a == b) return;
    const std::int32_t later = a > b ? a : b, earlier = a > b ? b : a;
    const std::int32_t before = atomicMin(parent + later, earlier);
    if (before == later) return;
    // Somebody else had joined it with `before`; the lesser of the two is its parent now, so those must be joined.
    a = before;
    b = earlier;
  }
}

// A thread a run, with the runs of the row above that it touches.
__global__ void __launch_bounds__(kThreads)
    join_runs_kernel(Runs runs, const std::uint32_t* __restrict__ row_start, std::size_t n, std::uint32_t height,
                     std::int32_t reach) {
  const std::size_t run = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (run >= n || runs.row[run] % height == 0) return;
  const std::uint32_t row = runs.row[run];
  const std::int32_t start = runs.start[run], end = runs.end[run];
  std::uint32_t low = row_start[row - 1];
  const std::uint32_t stop = row_start[row];
  for (std::uint32_t high = stop; low < high;) {  // the first one above that ends behind this one's start
    const std::uint32_t middle = low + (high - low) / 2;
    if (runs.end[middle] + reach <= start) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < stop && runs.start[low] < end + reach; ++low) {
    join(runs.parent, static_cast<std::int32_t>(low), static_cast<std::int32_t>(run));
  }
}

__global__ void __launch_bounds__(kThreads) first_runs_kernel(Runs runs, std::size_t n, std::uint32_t* __restrict__ first) {
  const std::size_t run = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (run > n) return;
  if (run == n) {
    first[n] = 0;
    return;
  }
  const std::int32_t self = static_cast<std::int32_t>(run), root = find_root(runs.parent, self);
  first[run] = root == self;
  runs.parent[run] = root;  // a shorter way to the same root for whoever passes here
}

__global__ void __launch_bounds__(kThreads)
    number_kernel(Runs runs, std::size_t n, const std::uint32_t* __restrict__ number, std::int32_t* __restrict__ of_run,
                  std::int32_t* __restrict__ areas) {
  const std::size_t run = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (run >= n) return;
  const auto component = static_cast<std::int32_t>(number[runs.parent[run]]);
  of_run[run] = component;
  atomicAdd(areas + component, runs.end[run] - runs.start[run]);
}

__global__ void __launch_bounds__(kThreads)
    largest_kernel(Runs runs, std::size_t n, std::uint32_t height, const std::int32_t* __restrict__ of_run,
                   const std::int32_t* __restrict__ areas, unsigned long long* __restrict__ largest) {
  const std::size_t run = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (run >= n || runs.parent[run] != static_cast<std::int32_t>(run)) return;
  const auto component = static_cast<std::uint32_t>(of_run[run]);
  const auto area = static_cast<unsigned long long>(areas[component]);
  atomicMax(largest + runs.row[run] / height, area << 32 | (0xffffffffu - component));
}

// A thread a run.
__global__ void __launch_bounds__(kThreads)
    paint_kernel(Runs runs, std::size_t n, MaskShape shape, const std::int32_t* __restrict__ of_run,
                 const std::int32_t* __restrict__ areas, double min_area, const unsigned long long* __restrict__ largest,
                 std::uint32_t* masks) {
  const std::size_t run = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (run >= n) return;
  const std::int32_t component = of_run[run];
  bool chosen = static_cast<double>(areas[component]) >= min_area;
  if (largest == nullptr) {
    chosen = !chosen;
  } else {
    const unsigned long long best = largest[runs.row[run] / shape.height];
    const bool any_large = static_cast<double>(best >> 32) >= min_area;
    if (!any_large) chosen = static_cast<std::uint32_t>(component) == 0xffffffffu - static_cast<std::uint32_t>(best);
  }
  if (!chosen) return;
  std::uint32_t* row = masks + std::size_t{runs.row[run]} * shape.stride;
  const auto x0 = static_cast<std::uint32_t>(runs.start[run]), x1 = static_cast<std::uint32_t>(runs.end[run]) - 1;
  for (std::uint32_t i = x0 / 32; i <= x1 / 32; ++i) {
    const std::uint32_t head = i == x0 / 32 ? 0xffffffffu << (x0 % 32) : 0xffffffffu;
    const std::uint32_t tail = i == x1 / 32 ? 0xffffffffu >> (31 - x1 % 32) : 0xffffffffu;
    atomicOr(row + i, head & tail);  // neighbouring runs share words
  }
}

unsigned blocks_of(std::size_t n, unsigned each) { return static_cast<unsigned>((n + each - 1) / each); }

}  // namespace

namespace kernels {

void count_runs(const std::uint32_t* masks, std::size_t count, MaskShape shape, bool inverted, std::uint32_t* of_row,
                cudaStream_t stream) {
  const std::size_t rows = count * shape.height;
  launch("count_runs", count_runs_kernel, blocks_of(rows, kWarps), 32 * kWarps, 0, stream, masks, rows, shape, inverted,
         of_row);
}

void write_runs(const std::uint32_t* masks, std::size_t count, MaskShape shape, bool inverted,
                const std::uint32_t* row_start, Runs runs, cudaStream_t stream) {
  const std::size_t rows = count * shape.height;
  launch("write_runs", write_runs_kernel, blocks_of(rows, kWarps), 32 * kWarps, 0, stream, masks, rows, shape, inverted,
         row_start, runs);
}

void join_runs(Runs runs, const std::uint32_t* row_start, std::size_t n, std::uint32_t height, std::int32_t reach,
               cudaStream_t stream) {
  launch("join_runs", join_runs_kernel, blocks_of(n, kThreads), kThreads, 0, stream, runs, row_start, n, height, reach);
}

void find_first_runs(Runs runs, std::size_t n, std::uint32_t* first, cudaStream_t stream) {
  launch("find_first_runs", first_runs_kernel, blocks_of(n + 1, kThreads), kThreads, 0, stream, runs, n, first);
}

void number_runs(Runs runs, std::size_t n, const std::uint32_t* number, std::int32_t* of_run, std::int32_t* areas,
                 cudaStream_t stream) {
  launch("number_runs", number_kernel, blocks_of(n, kThreads), kThreads, 0, stream, runs, n, number, of_run, areas);
}

void largest_components(Runs runs, std::size_t n, std::uint32_t height, const std::int32_t* of_run,
                        const std::int32_t* areas, unsigned long long* largest, cudaStream_t stream) {
  launch("largest_components", largest_kernel, blocks_of(n, kThreads), kThreads, 0, stream, runs, n, height, of_run, areas,
         largest);
}

void paint_runs(Runs runs, std::size_t n, MaskShape shape, const std::int32_t* of_run, const std::int32_t* areas,
                double min_area, const unsigned long long* largest, std::uint32_t* masks, cudaStream_t stream) {
  launch("paint_runs", paint_kernel, blocks_of(n, kThreads), kThreads, 0, stream, runs, n, shape, of_run, areas, min_area,
         largest, masks);
}

}  // namespace kernels
}  // namespace unsam::cuda
