// Fusion on a device against its CPU version: the same bits, integers and doubles. Device memory holds NaN patterns before it is
// written (emulated) and results are compared whole, so that what a kernel leaves out shows.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <type_traits>

#include "decoder/cuda/call.h"
#include "fusion/cuda/call.h"
#include "fusion/cuda/kernels.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "cuda_test.h"
#include "fusion/scenes.h"
#include "same_fusion.h"
#include "unsam/cuda_fusion.h"

// The decoder's and fusion's headers stand together only where no two things have one name.
static_assert(!std::is_same_v<unsam::cuda::Call, unsam::cuda::FusionCall>);

namespace {

using namespace scenes;
using namespace unsam;

const Thresholds kThresholds[] = {{0.0, 1.0}, {0.25, 0.75}, {-0.1, 0.3}, {0.7, 0.0}};

// Fresh inputs in each run; the seed of one that failed is given back with UNSAM_SEED. Each round has its own order of threads.
void for_seeds(int rounds, const std::function<void(test::Random&, int)>& body) {
  need_device();
  const char* given = std::getenv("UNSAM_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::printf("seed  %u\n", seed);
  test::Random random(seed);
  for (int round = 0; round < rounds; ++round) {
#if defined(UNSAM_EMULATED_DEVICE)
    emulated::set_seed(random());
#endif
    body(random, round);
  }
}

// Logits with whole maps above, below or NaN and infinite values among them.
std::vector<float> hostile_logits(test::Random& random, std::size_t count, std::size_t h, std::size_t w) {
  std::vector<float> data = logits(random, count, h, w, true);
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t kind = between(random, 0, 9);
    const auto map = data.begin() + static_cast<std::ptrdiff_t>(k * h * w);
    if (kind == 0) std::fill_n(map, h * w, 20.0f);
    if (kind == 1) std::fill_n(map, h * w, -20.0f);
    if (kind == 2) std::fill_n(map, h * w, std::numeric_limits<float>::quiet_NaN());
    if (kind == 3) map[static_cast<std::ptrdiff_t>(between(random, 0, h * w - 1))] = std::numeric_limits<float>::infinity();
  }
  return data;
}

// What the functions of pairs take, with ties in areas and scores and copies of masks.
struct Masks {
  MaskStatistics statistics;
  std::vector<double> scores, granularities;

  Masks(test::Random& random, std::size_t count, std::size_t h, std::size_t w) {
    std::vector<float> data = hostile_logits(random, count, h, w);
    for (std::size_t k = 1; k < count; ++k) {
      if (uniform(random) < 0.3) {
        const std::size_t from = between(random, 0, k - 1);
        std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(from * h * w), h * w,
                    data.begin() + static_cast<std::ptrdiff_t>(k * h * w));
        if (uniform(random) < 0.5) data[k * h * w + between(random, 0, h * w - 1)] = 3.0f;  // all but a copy
      }
    }
    statistics = mask_statistics({count, h, w, data}, {}, serial_for);
    for (std::size_t k = 0; k < count; ++k) {
      scores.push_back(static_cast<double>(between(random, 0, 5)) / 5.0);
      granularities.push_back(static_cast<double>(between(random, 0, 12)) / 12.0);
    }
  }
};

// Widths around whole words, more masks than fit one word or one tile of pairs.
std::size_t any_width(test::Random& random, int round) {
  const std::size_t widths[] = {1, 31, 32, 33, 64, 95, 128};
  return round % 2 == 0 ? widths[between(random, 0, 6)] : between(random, 1, 130);
}

const double kShares[] = {0.0, 0.4, 0.8, 0.9, 1.0};

}  // namespace

TEST("mask statistics") {
  for_seeds(24, [](test::Random& random, int round) {
    const cuda::Fusion fusion;
    const std::size_t count = round % 4 == 0 ? 1 : between(random, 1, 5), h = between(random, 1, 40);
    const std::size_t w = any_width(random, round);
    const std::vector<float> data = hostile_logits(random, count, h, w);
    const LogitMaps maps{count, h, w, data};
    const Thresholds& t = kThresholds[round % 4];
    CHECK(same(fusion.mask_statistics(maps, t), mask_statistics(maps, t, serial_for)));
  });
}

TEST("mask statistics of a map larger than a block's share") {
  for_seeds(2, [](test::Random& random, int round) {
    const std::size_t w = round == 0 ? 300 : 1, h = round == 0 ? 150 : 1500;
    const std::vector<float> data = hostile_logits(random, 2, h, w);
    const LogitMaps maps{2, h, w, data};
    CHECK(same(cuda::Fusion().mask_statistics(maps, {}), mask_statistics(maps, {}, serial_for)));
  });
}

TEST("finished masks and run lengths") {
  for_seeds(30, [](test::Random& random, int round) {
    const cuda::Fusion fusion;
    const std::size_t count = between(random, 1, 3), h = between(random, 1, 30), w = between(random, 1, 50);
    const std::size_t height = between(random, 1, round % 3 == 0 ? 20 : 150);
    const std::size_t width = round % 3 == 0 ? between(random, 1, 30) : any_width(random, round);
    const std::vector<float> data = hostile_logits(random, count, h, w);
    const LogitMaps maps{count, h, w, data};
    const FinishOptions options{kThresholds[round % 4], round % 5 != 0, round % 4 != 0};
    const FinishedMasks got = fusion.finish_masks(maps, width, height, options);
    const FinishedMasks want = finish_masks(maps, width, height, options, serial_for);
    CHECK(same(got.statistics, want.statistics));
    CHECK(got.run_lengths == want.run_lengths);
  });
}

// Values on a limit, a rounding away from it, or so large that float32 knows nothing: the kernel decides by float32 where that
// is sure, and must find out where it is not.
TEST("finished masks whose values lie on the limits") {
  for_seeds(24, [](test::Random& random, int round) {
    const Thresholds thresholds = round % 6 == 5 ? Thresholds{1e39, 1e38} : kThresholds[round % 4];
    const float limits[] = {static_cast<float>(thresholds.threshold), static_cast<float>(thresholds.threshold - thresholds.stability_offset),
                            static_cast<float>(thresholds.threshold + thresholds.stability_offset)};
    const std::size_t h = between(random, 2, 9), w = between(random, 2, 9), factor = round % 2 == 0 ? 4 : 3;
    std::vector<float> data(h * w);
    for (float& x : data) {
      x = limits[between(random, 0, 2)];
      const std::size_t kind = between(random, 0, 9);
      if (kind < 4) x = std::nextafter(x, kind % 2 == 0 ? 1e9f : -1e9f);
      if (kind == 4) x += uniform(random) < 0.5 ? 0x1p-20f : -0x1p-20f;
      if (kind == 5) x = -x;
      if (kind == 6 && round % 3 == 0) x = std::numeric_limits<float>::max() * (uniform(random) < 0.5 ? 1.0f : -1.0f);
      if (kind == 7) x += static_cast<float>(between(random, 0, 8)) * 0.125f - 0.5f;
    }
    const LogitMaps maps{1, h, w, data};
    const FinishedMasks got = cuda::Fusion().finish_masks(maps, w * factor, h * factor, {thresholds, true, true});
    const FinishedMasks want = finish_masks(maps, w * factor, h * factor, {thresholds, true, true}, serial_for);
    CHECK(same(got.statistics, want.statistics));
    CHECK(got.run_lengths == want.run_lengths);
  });
}

TEST("finished masks wider than a block") {
  for_seeds(2, [](test::Random& random, int round) {
    const std::vector<float> data = hostile_logits(random, 1, 20, 24);
    const LogitMaps maps{1, 20, 24, data};
    const std::size_t width = round == 0 ? 331 : 40, height = round == 0 ? 60 : 300;
    const FinishedMasks got = cuda::Fusion().finish_masks(maps, width, height, {});
    const FinishedMasks want = finish_masks(maps, width, height, {}, serial_for);
    CHECK(same(got.statistics, want.statistics));
    CHECK(got.run_lengths == want.run_lengths);
  });
}

TEST("run lengths of masks") {
  for_seeds(12, [](test::Random& random, int round) {
    const std::size_t count = between(random, 0, 4), h = between(random, 1, 50), w = any_width(random, round);
    MaskStack masks{count, w, h, {}};
    std::vector<RunLengths> want;
    for (std::size_t k = 0; k < count; ++k) {
      const std::vector<std::uint32_t> words = pack(mask_bytes(random, w, h), w, h);
      masks.words.insert(masks.words.end(), words.begin(), words.end());
      want.push_back(encode_rle(words, w, h));
    }
    CHECK(cuda::Fusion().encode_rle(masks) == want);
  });
}

TEST("overlaps, duplicates and the forest") {
  for_seeds(20, [](test::Random& random, int round) {
    const cuda::Fusion fusion;
    const std::size_t counts[] = {1, 2, 15, 16, 17, 33, 50};
    const std::size_t h = between(random, 1, 24), w = any_width(random, round);
    const Masks m(random, counts[between(random, 0, 6)], h, w);
    const MaskStatistics& s = m.statistics;
    const Overlaps overlaps = pairwise_overlaps(s.masks, s.boxes, serial_for);
    CHECK(fusion.pairwise_overlaps(s.masks, s.boxes).common == overlaps.common);
    const double share = kShares[round % 5];
    CHECK(fusion.remove_duplicates(s.masks, s.boxes, s.areas, m.scores, share) ==
          remove_duplicates(s.areas, m.scores, overlaps, share));
    CHECK(same(fusion.build_forest(s.masks, s.boxes, s.areas, m.scores, m.granularities, share),
               build_forest(s.areas, m.scores, m.granularities, overlaps, share)));
  });
}

TEST("box suppression") {
  for_seeds(12, [](test::Random& random, int round) {
    const std::size_t count = round == 0 ? 0 : between(random, 1, 80);
    std::vector<double> boxes, scores;
    for (std::size_t i = 0; i < count; ++i) {
      const double x0 = std::floor(20 * uniform(random)), y0 = std::floor(20 * uniform(random));
      const double big = uniform(random) < 0.05 ? 1e300 : 30.0;  // infinite as a float
      for (const double v : {x0, y0, x0 + std::floor(big * uniform(random)), y0 + std::floor(30 * uniform(random))}) {
        boxes.push_back(v);
      }
      scores.push_back(static_cast<double>(between(random, 0, 9)) / 9.0);
    }
    const double share = kShares[round % 5];
    CHECK(cuda::Fusion().suppress_boxes(boxes, scores, share) == suppress_boxes(boxes, scores, share));
  });
}

TEST("components and small regions") {
  for_seeds(24, [](test::Random& random, int round) {
    const cuda::Fusion fusion;
    const std::size_t count = between(random, 1, 3), h = between(random, 1, 40), w = any_width(random, round);
    MaskStack masks{count, w, h, {}};
    for (std::size_t k = 0; k < count; ++k) {
      std::vector<std::uint8_t> bytes = mask_bytes(random, w, h);
      if (round % 6 == 0) std::fill(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(k % 2));  // empty and full
      const std::vector<std::uint32_t> words = pack(bytes, w, h);
      masks.words.insert(masks.words.end(), words.begin(), words.end());
    }
    const std::size_t size = words_per_row(w) * h;
    const double min_area = std::floor(40 * uniform(random));
    for (const Connectivity connectivity : {Connectivity::four, Connectivity::eight}) {
      const std::span<const std::uint32_t> first(masks.words.data(), size);
      CHECK(same(fusion.find_components(first, w, h, connectivity), find_components(first, w, h, connectivity)));
      for (const SmallRegions which : {SmallRegions::holes, SmallRegions::islands}) {
        std::vector<std::uint32_t> want;
        for (std::size_t k = 0; k < count; ++k) {
          const auto one = remove_small_regions({masks.words.data() + k * size, size}, w, h, which, min_area, connectivity);
          want.insert(want.end(), one.begin(), one.end());
        }
        CHECK(fusion.remove_small_regions(masks, which, min_area, connectivity).words == want);
      }
    }
  });
}

TEST("components of a spiral and of a checkerboard") {
  // Long chains of joins, and as many runs as there can be.
  for_seeds(3, [](test::Random&, int) {
    constexpr std::size_t side = 67;
    std::vector<std::uint8_t> spiral(side * side), board(side * side);
    std::size_t x = 0, y = 0, steps = side - 1;
    const int dx[] = {1, 0, -1, 0}, dy[] = {0, 1, 0, -1};
    spiral[0] = 1;
    for (std::size_t turn = 0; steps > 0; ++turn) {
      for (std::size_t n = 0; n < steps; ++n) {
        x += static_cast<std::size_t>(dx[turn % 4]);
        y += static_cast<std::size_t>(dy[turn % 4]);
        spiral[y * side + x] = 1;
      }
      if (turn >= 2 && turn % 2 == 0) steps = steps > 2 ? steps - 2 : 0;
    }
    for (std::size_t i = 0; i < side * side; ++i) board[i] = (i / side + i % side) % 2;
    const cuda::Fusion fusion;
    for (const auto& bytes : {spiral, board}) {
      const std::vector<std::uint32_t> words = pack(bytes, side, side);
      for (const Connectivity connectivity : {Connectivity::four, Connectivity::eight}) {
        CHECK(same(fusion.find_components(words, side, side, connectivity), find_components(words, side, side, connectivity)));
      }
    }
  });
}

TEST("fused scenes, label maps and fused maps") {
  for_seeds(20, [](test::Random& random, int round) {
    const cuda::Fusion fusion;
    const std::size_t count = round % 5 == 0 ? 1 : between(random, 1, 45), h = between(random, 1, 24);
    const std::size_t w = any_width(random, round);
    const std::vector<float> data = hostile_logits(random, count, h, w);
    std::vector<double> scores, granularities;
    for (std::size_t k = 0; k < count; ++k) {
      scores.push_back(static_cast<double>(between(random, 0, 5)) / 5.0);
      granularities.push_back(static_cast<double>(between(random, 0, 12)) / 12.0);
    }
    const LogitMaps maps{count, h, w, data};
    const FusionOptions options{kThresholds[round % 4], kShares[round % 5], kShares[(round + 1) % 5],
                                round == 7 ? 1e9 : static_cast<double>(between(random, 0, 30))};
    const FusedScene want = fuse_logits(maps, scores, granularities, options, serial_for);
    const FusedScene got = fusion.fuse_logits(maps, scores, granularities, options);
    CHECK(same(got, want));
    CHECK(fusion.finest_labels(want.statistics.masks, want.forest) == want.finest);
    for (const double g : {0.0, 0.37, 1.0}) {
      CHECK(fusion.label_map_at(want.finest, want.forest, g) == label_map_at(want.finest, want.forest, g, serial_for));
    }
    const FusedMap map = fuse_labels(want.finest, want.forest, w, h, serial_for);
    const FusedMap got_map = fusion.fuse_labels(want.finest, want.forest, w, h);
    CHECK(got_map.right == map.right && got_map.below == map.below);
  });
}

TEST("sums before each value, also where there are more blocks than one scans at once") {
  for_seeds(3, [](test::Random& random, int round) {
    const std::size_t sizes[] = {1, 2049, 600'000}, n = sizes[round];
    const auto pool = std::make_shared<cuda::MemoryPool>(0, 0, 0);
    const cuda::Stream stream;
    const cuda::DeviceArray<std::uint32_t> values(pool, n), sums(pool, cuda::kernels::scan_scratch(n));
    cuda::PinnedArray<std::uint32_t> host(n);
    std::vector<std::uint32_t> want;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      want.push_back(sum);
      sum += host[i] = static_cast<std::uint32_t>(random() % 1000);
    }
    cuda::copy_to_device(values.data(), host.data(), n * sizeof(std::uint32_t), stream.get());
    cuda::kernels::exclusive_scan(values.data(), n, sums.data(), stream.get());
    cuda::copy_to_host(host.data(), values.data(), n * sizeof(std::uint32_t), stream.get());
    stream.synchronize();
    CHECK(std::equal(want.begin(), want.end(), host.data()));
  });
}

TEST("logits on the device, still being written by another stream") {
  for_seeds(3, [](test::Random& random, int) {
    const cuda::Fusion fusion;
    const std::size_t count = 20, h = 17, w = 45;
    const std::vector<float> data = hostile_logits(random, count, h, w);
    std::vector<double> scores, granularities;
    for (std::size_t k = 0; k < count; ++k) {
      scores.push_back(static_cast<double>(between(random, 0, 5)) / 5.0);
      granularities.push_back(uniform(random));
    }
    const LogitMaps maps{count, h, w, data};
    const cuda::Stream writer;
    cuda::PinnedArray<float> host(data.size());
    std::copy(data.begin(), data.end(), host.data());
    cuda::DeviceArray<float> there(std::make_shared<cuda::MemoryPool>(0, 0, 0), data.size());
    const auto write = [&] {  // over poison
      cuda::check(cudaMemsetAsync(there.data(), 0xff, data.size() * sizeof(float), writer.get()), "cudaMemsetAsync");
      cuda::copy_to_device(there.data(), host.data(), data.size() * sizeof(float), writer.get());
    };
    const cuda::DeviceLogitMaps on_device{count, h, w, there.data(), writer.get()};
    write();
    CHECK(same(fusion.fuse_logits(on_device, scores, granularities, {}), fuse_logits(maps, scores, granularities, {}, serial_for)));
    write();
    CHECK(same(fusion.mask_statistics(on_device, {}), mask_statistics(maps, {}, serial_for)));
    write();
    const FinishedMasks got = fusion.finish_masks(on_device, 70, 61, {});
    const FinishedMasks want = finish_masks(maps, 70, 61, {}, serial_for);
    CHECK(same(got.statistics, want.statistics) && got.run_lengths == want.run_lengths);
    writer.synchronize();
  });
}

#if defined(UNSAM_EMULATED_DEVICE)
TEST("nothing is left") { check_nothing_left(); }
#endif
