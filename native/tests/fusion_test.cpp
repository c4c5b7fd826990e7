// Overlaps, duplicates, forest, label maps and the fused map: each against its definition.
#include <algorithm>

#include "fusion/scenes.h"
#include "parallel/parallel_on.h"
#include "unsam/fusion.h"

using namespace scenes;
using unsam::ErrorCode;
using unsam::serial_for;

namespace {

constexpr double kContainment = 0.4;  // low, so that these loose shapes form deep forests

struct Scene {
  std::size_t count, h, w;
  std::vector<float> data;
  std::vector<double> scores, granularities;
  unsam::MaskStatistics statistics;
  unsam::Overlaps overlaps;
  unsam::RegionForest forest;

  explicit Scene(test::Random& random, std::size_t most = 24, std::size_t widest = 100)
      : count(between(random, 1, most)), h(between(random, 1, 40)), w(between(random, 1, widest)) {
    data = logits(random, count, h, w, false);
    for (std::size_t i = 0; i < count; ++i) {
      scores.push_back(static_cast<double>(between(random, 0, 5)) / 5.0);  // coarse: ties are common
      granularities.push_back(static_cast<double>(between(random, 0, 12)) / 12.0);
    }
    statistics = unsam::mask_statistics({count, h, w, data}, {}, serial_for);
    overlaps = unsam::pairwise_overlaps(statistics.masks, statistics.boxes, serial_for);
    forest = unsam::build_forest(statistics.areas, scores, granularities, overlaps, kContainment);
  }

  bool has(std::size_t k, std::size_t x, std::size_t y) const {
    const std::size_t size = unsam::words_per_row(w) * h;
    return pixel(std::span(statistics.masks.words).subspan(k * size, size), w, x, y);
  }

  std::vector<std::size_t> ancestors(std::size_t i) const {
    std::vector<std::size_t> path{i};
    while (forest.parent[path.back()] >= 0) path.push_back(static_cast<std::size_t>(forest.parent[path.back()]));
    return path;
  }
};

bool contains(const std::vector<std::size_t>& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

TEST("overlaps are common pixels, at every width") {
  test::Random random(11);
  for (int round = 0; round < 60; ++round) {
    const Scene s(random, 10, round % 4 == 0 ? 1200 : 100);
    for (std::size_t i = 0; i < s.count; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        std::size_t common = 0;
        for (std::size_t y = 0; y < s.h; ++y) {
          for (std::size_t x = 0; x < s.w; ++x) common += s.has(i, x, y) && s.has(j, x, y);
        }
        CHECK(s.overlaps.at(i, j) == common && s.overlaps.at(j, i) == common);
      }
    }
    std::vector<std::int32_t> chosen;
    for (std::size_t i = s.count; i-- > 0;) {
      if (i % 3 != 1) chosen.push_back(static_cast<std::int32_t>(i));
    }
    const unsam::Overlaps some = unsam::select_overlaps(s.overlaps, chosen, serial_for);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        CHECK(some.at(i, j) ==
              s.overlaps.at(static_cast<std::size_t>(chosen[i]), static_cast<std::size_t>(chosen[j])));
      }
    }
  }
}

TEST("duplicates are the masks that a better kept one resembles") {
  test::Random random(12);
  for (int round = 0; round < 60; ++round) {
    const Scene s(random);
    const double limit = (round % 4) / 3.0;
    const std::vector<std::int32_t> kept =
        unsam::remove_duplicates(s.statistics.areas, s.scores, s.overlaps, limit);
    const auto better = [&](std::size_t i, std::size_t j) {
      return s.scores[i] > s.scores[j] || (s.scores[i] == s.scores[j] && i < j);
    };
    for (std::size_t i = 0; i < s.count; ++i) {
      bool resembles = false, found = false;
      for (const std::int32_t other : kept) {
        const auto k = static_cast<std::size_t>(other);
        if (k == i) {
          found = true;
          continue;
        }
        const double common = s.overlaps.at(i, k), joint = s.statistics.areas[i] + s.statistics.areas[k] - common;
        resembles = resembles || (better(k, i) && (joint == 0.0 ? 1.0 : common / joint) > limit);
      }
      CHECK(found == !resembles);
    }
  }
}

TEST("box suppression is torchvision's: sort, keep, strike out all behind") {
  test::Random random(13);
  for (int round = 0; round < 80; ++round) {
    const std::size_t count = between(random, 1, 30);
    std::vector<double> boxes, scores;
    for (std::size_t i = 0; i < count; ++i) {
      const double x = static_cast<double>(between(random, 0, 20)), y = static_cast<double>(between(random, 0, 20));
      for (const double corner : {x, y, x + static_cast<double>(between(random, 0, 12)),
                                  y + static_cast<double>(between(random, 0, 12))}) {
        boxes.push_back(corner);
      }
      scores.push_back(static_cast<double>(between(random, 0, 9)) / 10.0);
    }
    const double limit = std::vector<double>{0.0, 0.5, 0.7, 1.0}[static_cast<std::size_t>(round % 4)];
    std::vector<std::int32_t> order(count), expected;
    for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    std::vector<bool> struck(count);
    for (std::size_t n = 0; n < count; ++n) {
      const auto i = static_cast<std::size_t>(order[n]);
      if (struck[i]) continue;
      expected.push_back(order[n]);
      for (std::size_t m = n + 1; m < count; ++m) {
        const auto j = static_cast<std::size_t>(order[m]);
        const double* a = &boxes[4 * i];
        const double* b = &boxes[4 * j];
        const double common = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0])) *
                              std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
        const double joint = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
        if (static_cast<double>(static_cast<float>(common / joint)) > limit) struck[j] = true;
      }
    }
    CHECK(unsam::suppress_boxes(boxes, scores, limit) == expected);
  }
}

TEST("a parent is the smallest larger mask that holds enough") {
  test::Random random(14);
  for (int round = 0; round < 60; ++round) {
    const Scene s(random);
    const auto& areas = s.statistics.areas;
    const auto larger = [&](std::size_t a, std::size_t b) {
      if (areas[a] != areas[b]) return areas[a] > areas[b];
      return s.scores[a] > s.scores[b] || (s.scores[a] == s.scores[b] && a < b);
    };
    for (std::size_t i = 0; i < s.count; ++i) {
      std::int32_t smallest = -1;
      std::uint16_t level = 0;
      for (std::size_t j = 0; j < s.count; ++j) {
        if (contains(s.ancestors(j), i)) level = std::max(level, unsam::granularity_step(s.granularities[j]));
        if (j == i || areas[i] == 0 || !larger(j, i) || s.overlaps.at(i, j) < kContainment * areas[i]) continue;
        if (smallest < 0 || larger(static_cast<std::size_t>(smallest), j)) smallest = static_cast<std::int32_t>(j);
      }
      CHECK(s.forest.parent[i] == smallest);
      CHECK(s.forest.level[i] == level);
    }
  }
}

TEST("label maps give every pixel its owner, and the fused map has exactly their boundaries") {
  test::Random random(15);
  for (int round = 0; round < 40; ++round) {
    const Scene s(random);
    const std::vector<std::int32_t> finest = unsam::finest_labels(s.statistics.masks, s.forest, serial_for);
    // Whether region a hides b: the descendant does; else the branches compare where they part.
    const auto hides = [&](std::size_t a, std::size_t b) {
      const std::vector<std::size_t> up = s.ancestors(a), other = s.ancestors(b);
      if (contains(up, b)) return true;
      if (contains(other, a)) return false;
      std::size_t p = up.back(), q = other.back();
      for (std::size_t i = up.size(), j = other.size(); p == q;) {
        p = up[--i - 1];
        q = other[--j - 1];
      }
      if (s.scores[p] != s.scores[q]) return s.scores[p] > s.scores[q];
      if (s.statistics.areas[p] != s.statistics.areas[q]) return s.statistics.areas[p] < s.statistics.areas[q];
      return p < q;
    };
    for (std::size_t y = 0; y < s.h; ++y) {
      for (std::size_t x = 0; x < s.w; ++x) {
        std::size_t owner = s.count;
        for (std::size_t k = 0; k < s.count; ++k) {
          if (s.has(k, x, y) && (owner == s.count || hides(k, owner))) owner = k;
        }
        CHECK(finest[y * s.w + x] == (owner == s.count ? 0 : static_cast<std::int32_t>(owner) + 1));
      }
    }
    const unsam::FusedMap fused = unsam::fuse_labels(finest, s.forest, s.w, s.h, serial_for);
    for (int n = 0; n <= 50; ++n) {
      const double g = n / 50.0;
      const std::uint16_t step = unsam::granularity_step(g);
      const std::vector<std::int32_t> labels = unsam::label_map_at(finest, s.forest, g, serial_for);
      for (std::size_t i = 0; i < labels.size(); ++i) {
        const std::size_t x = i % s.w, y = i / s.w;
        CHECK((fused.right[i] > step) == (x + 1 < s.w && labels[i] != labels[i + 1]));
        CHECK((fused.below[i] > step) == (y + 1 < s.h && labels[i] != labels[i + s.w]));
        if (finest[i] == 0) {
          CHECK(labels[i] == 0);
          continue;
        }
        for (const std::size_t region : s.ancestors(static_cast<std::size_t>(finest[i] - 1))) {
          const std::int32_t up = s.forest.parent[region];
          if (up >= 0 && s.forest.level[static_cast<std::size_t>(up)] <= step) continue;
          CHECK(labels[i] == static_cast<std::int32_t>(region) + 1);
          break;
        }
      }
    }
  }
}

TEST("fusing is its steps one after the other, on any number of threads") {
  test::Random random(16);
  for (int round = 0; round < 10; ++round) {
    const Scene s(random);
    const unsam::LogitMaps maps{s.count, s.h, s.w, s.data};
    const unsam::FusionOptions options{{}, 0.6, kContainment, 1.0};
    const unsam::FusedScene scene = unsam::fuse_logits(maps, s.scores, s.granularities, options, serial_for);
    for (const std::int32_t k : scene.kept) CHECK(s.statistics.areas[static_cast<std::size_t>(k)] >= 1);
    const std::vector<std::int32_t> all =
        unsam::remove_duplicates(s.statistics.areas, s.scores, s.overlaps, options.max_iou);
    std::vector<std::int32_t> large;
    std::copy_if(all.begin(), all.end(), std::back_inserter(large),
                 [&](std::int32_t k) { return s.statistics.areas[static_cast<std::size_t>(k)] >= 1; });
    CHECK(large == scene.kept);  // an empty mask resembles no other
    for (const std::size_t threads : {2, 8}) {
      unsam::ThreadTeam team(threads);
      const unsam::FusedScene again =
          unsam::fuse_logits(maps, s.scores, s.granularities, options, unsam::parallel_on(team));
      CHECK(again.kept == scene.kept && again.finest == scene.finest);
      CHECK(again.forest.parent == scene.forest.parent && again.forest.order == scene.forest.order);
      CHECK(again.forest.level == scene.forest.level);
      const auto map = unsam::fuse_labels(scene.finest, scene.forest, s.w, s.h, unsam::parallel_on(team));
      CHECK(map.right == unsam::fuse_labels(scene.finest, scene.forest, s.w, s.h, serial_for).right);
    }
  }
}

TEST("malformed scenes are refused") {
  const unsam::Overlaps pair{2, {0}};
  const std::vector<std::uint32_t> areas{1, 1};
  const std::vector<double> ones{1.0, 1.0}, bad{1.0, NAN}, beyond{0.0, 1.5};
  CHECK_THROWS(unsam::build_forest(areas, bad, ones, pair, 0.8), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::build_forest(areas, ones, beyond, pair, 0.8), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::build_forest(areas, ones, ones, pair, -0.1), ErrorCode::bad_option);
  CHECK_THROWS(unsam::remove_duplicates(areas, ones, pair, NAN), ErrorCode::bad_option);
  CHECK_THROWS(unsam::suppress_boxes(ones, ones, 0.5), ErrorCode::bad_prompt);
  const std::vector<std::uint32_t> words(4);
  const std::vector<std::int32_t> outside{0, 0, 4, 3};
  CHECK_THROWS(unsam::pairwise_overlaps({1, 4, 4, words}, outside, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::granularity_step(NAN), ErrorCode::bad_prompt);
  const unsam::RegionForest cycle{{1, 0}, {0, 0}, {0, 1}}, twice{{-1, -1}, {0, 0}, {0, 0}};
  const unsam::RegionForest falling{{1, -1}, {5, 4}, {1, 0}}, outside_tree{{-1, 7}, {0, 0}, {0, 1}};
  const std::vector<std::int32_t> labels(4), wild{0, 1, 2, 3};
  for (const auto& forest : {cycle, twice, falling, outside_tree}) {
    CHECK_THROWS(unsam::label_map_at(labels, forest, 0.5, serial_for), ErrorCode::bad_prompt);
    CHECK_THROWS(unsam::fuse_labels(labels, forest, 2, 2, serial_for), ErrorCode::bad_prompt);
    CHECK_THROWS(unsam::finest_labels({2, 4, 2, words}, forest, serial_for), ErrorCode::bad_prompt);
  }
  const unsam::RegionForest sound{{-1, 0}, {9, 4}, {0, 1}};
  CHECK_THROWS(unsam::fuse_labels(wild, sound, 2, 2, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::fuse_labels(labels, sound, 2, 3, serial_for), ErrorCode::bad_prompt);
}
