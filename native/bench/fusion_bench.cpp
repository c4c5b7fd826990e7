// Hierarchical fusion of 1000 masks, stage by stage, against plain single-threaded loops over bytes.
// Usage: fusion_bench [threads] [runs] [masks]. packages/core/bench/fusion.mjs times the TypeScript versions on the
// same scene.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "fusion/cpu/kernels.h"
#include "disc_scene.h"
#include "measure.h"
#include "parallel/parallel_on.h"
#include "unsam/fusion.h"
#include "unsam/patch_merge.h"
#include "unsam/region_tree.h"

namespace {

using namespace unsam;

constexpr std::size_t kSide = kSceneSide, kImage = 1024;

// One mask as a byte per pixel at image size, every pixel interpolated; returns its foreground.
std::size_t plain_finish(const float* map, std::vector<std::uint8_t>& bytes, double& stability) {
  std::size_t area = 0, low = 0, high = 0;
  const double scale = static_cast<double>(kSide) / kImage;
  for (std::size_t y = 0; y < kImage; ++y) {
    const double sy = std::max(0.0, scale * (static_cast<double>(y) + 0.5) - 0.5);
    const auto y0 = static_cast<std::size_t>(sy), y1 = std::min(y0 + 1, kSide - 1);
    const double fy = sy - static_cast<double>(y0);
    for (std::size_t x = 0; x < kImage; ++x) {
      const double sx = std::max(0.0, scale * (static_cast<double>(x) + 0.5) - 0.5);
      const auto x0 = static_cast<std::size_t>(sx), x1 = std::min(x0 + 1, kSide - 1);
      const double fx = sx - static_cast<double>(x0);
      const double v = (map[y0 * kSide + x0] * (1 - fx) + map[y0 * kSide + x1] * fx) * (1 - fy) +
                       (map[y1 * kSide + x0] * (1 - fx) + map[y1 * kSide + x1] * fx) * fy;
      low += v > -1.0;
      high += v > 1.0;
      area += bytes[y * kImage + x] = v > 0.0;
    }
  }
  stability = low == 0 ? 0.0 : static_cast<double>(high) / static_cast<double>(low);
  return area;
}

std::size_t plain_rle(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint32_t> counts{0};
  std::uint8_t current = 0;
  for (std::size_t x = 0; x < kImage; ++x) {
    for (std::size_t y = 0; y < kImage; ++y) {
      if (bytes[y * kImage + x] != current) {
        current = bytes[y * kImage + x];
        counts.push_back(0);
      }
      ++counts.back();
    }
  }
  return counts.size();
}

// Masks as bytes, all pairs by counting bytes: seconds for `count` masks.
Seconds plain_pairs(const DiscScene& scene, std::size_t count) {
  std::vector<std::uint8_t> bytes(scene.data.size());
  std::size_t sum = 0;
  return median(1, [&] {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = scene.data[i] > 0.0f;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        for (std::size_t p = 0; p < kSide * kSide; ++p) {
          sum += bytes[i * kSide * kSide + p] & bytes[j * kSide * kSide + p];
        }
      }
    }
    if (sum == 1) std::puts("");  // keeps the sum
  });
}

void line(const char* what, const Seconds& s) {
  std::printf("  %-52s %9.1f ms, %9.1f ms of CPU\n", what, s.wall * 1e3, s.cpu * 1e3);
}

Seconds scaled(const Seconds& s, double factor) { return {s.wall * factor, s.cpu * factor}; }

}  // namespace

int main(int argc, char** argv) {
  const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : std::thread::hardware_concurrency();
  const std::size_t runs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 7;
  const std::size_t count = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000;
  const DiscScene scene(count);
  const LogitMaps maps{count, kSide, kSide, scene.data};
  ThreadTeam team(threads);
  const ParallelFor parallel = parallel_on(team);
  std::printf("%zu masks, %s kernels, %zu threads, median of %zu runs\n", count, fusion_kernels().name, team.size(), runs);

  const MaskStatistics s = mask_statistics(maps, {}, parallel);
  const Overlaps overlaps = pairwise_overlaps(s.masks, s.boxes, parallel);
  const FusedScene fused = fuse_logits(maps, scene.scores, scene.granularities, {}, parallel);
  std::printf("%zux%zu logits; %zu masks stay\n", kSide, kSide, fused.kept.size());
  line("statistics and packing", median(runs, [&] { mask_statistics(maps, {}, parallel); }));
  line("pairwise overlaps", median(runs, [&] { pairwise_overlaps(s.masks, s.boxes, parallel); }));
  line("duplicates", median(runs, [&] { remove_duplicates(s.areas, scene.scores, overlaps, 0.9); }));
  line("forest", median(runs, [&] { build_forest(s.areas, scene.scores, scene.granularities, overlaps, 0.8); }));
  line("finest labels", median(runs, [&] { finest_labels(fused.statistics.masks, fused.forest, parallel); }));
  line("fused map", median(runs, [&] { fuse_labels(fused.finest, fused.forest, kSide, kSide, parallel); }));
  const Seconds all = median(runs, [&] {
    const FusedScene f = fuse_logits(maps, scene.scores, scene.granularities, {}, parallel);
    for (int g = 0; g < 10; ++g) label_map_at(f.finest, f.forest, g / 10.0, parallel);
    fuse_labels(f.finest, f.forest, kSide, kSide, parallel);
  });
  line("all of it, 10 label maps and the fused map", all);

  std::printf("to %zux%zu\n", kImage, kImage);
  const Seconds finish = median(runs, [&] { finish_masks(maps, kImage, kImage, {}, parallel); });
  line("bilinear, threshold, pack, stability, box, RLE", finish);
  line("the same, keeping only the RLE", median(runs, [&] {
         finish_masks(maps, kImage, kImage, {{}, false, true}, parallel);
       }));

  // Patches of eight by eight kinds in squares, each with noise of its own.
  constexpr std::size_t kPatches = 48, kFeatures = 768;
  std::vector<float> features(kPatches * kPatches * kFeatures);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < features.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    const std::size_t patch = i / kFeatures, kind = patch / kPatches / 6 * 8 + patch % kPatches / 6;
    const double own = std::sin(static_cast<double>((kind + 1) * (i % kFeatures + 1)) * 0.37);
    features[i] = static_cast<float>(own + static_cast<double>(state >> 8) / 8388608.0 - 1.0);
  }
  std::printf("%zux%zu patches of %zu features\n", kPatches, kPatches, kFeatures);
  line("merging", median(runs, [&] { merge_patches(features, kPatches, kPatches, kFeatures, parallel); }));

  // Noise over blocks of random colours: about as many superpixels as a photo has.
  constexpr std::size_t kWidth = 480, kHeight = 320;
  std::vector<std::uint8_t> rgb(kWidth * kHeight * 3);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    const std::size_t block = i / 3 / kWidth / 12 * 40 + i / 3 % kWidth / 12;
    rgb[i] = static_cast<std::uint8_t>((block * 97 + i % 3 * 53) % 200 + (state >> 27));
  }
  const RegionHierarchy tree = build_region_hierarchy(rgb, kWidth, kHeight, parallel);
  std::printf("%zux%zu image, %zu superpixels\n", kWidth, kHeight, tree.superpixels.count);
  line("region tree", median(runs, [&] { build_region_hierarchy(rgb, kWidth, kHeight, parallel); }));

  const std::size_t some = std::min<std::size_t>(count, 100), few = std::min<std::size_t>(count, 20);
  std::vector<std::uint8_t> bytes(kImage * kImage);
  double stability = 0.0;
  std::size_t length = 0;
  const Seconds plain = median(1, [&] {
    for (std::size_t k = 0; k < few; ++k) {
      length += plain_finish(scene.data.data() + k * kSide * kSide, bytes, stability) + plain_rle(bytes);
    }
  });
  const Seconds pairs = scaled(plain_pairs(scene, some), static_cast<double>(count * (count - 1)) /
                                                             static_cast<double>(some * (some - 1)));
  const Seconds plain_all = scaled(plain, static_cast<double>(count) / static_cast<double>(few));
  std::printf("plain loops over bytes, one thread (scaled up from %zu masks, pairs of %zu)\n", few, some);
  line("pairwise overlaps", pairs);
  line("bilinear, threshold, stability, RLE", plain_all);
  std::printf("  ratio in CPU time: overlaps to all of fusion %.1f, finishing %.1f%s\n", pairs.cpu / all.cpu,
              plain_all.cpu / finish.cpu, length == 0 ? " " : "");
  return 0;
}
