// Statistics, finishing, run lengths, components: each against a loop over pixels.
#include <algorithm>
#include <queue>

#include "fusion/scenes.h"
#include "parallel/parallel_on.h"
#include "unsam/masks.h"

using namespace scenes;
using unsam::ErrorCode;
using unsam::serial_for;

namespace {

struct PlainMask {
  std::vector<std::uint8_t> bytes;
  std::size_t area = 0, low = 0, high = 0;
  std::int32_t box[4] = {0, 0, 0, 0};
};

template <typename ValueAt>
PlainMask plain_mask(std::size_t width, std::size_t height, const unsam::Thresholds& t, ValueAt&& value_at) {
  PlainMask mask{std::vector<std::uint8_t>(width * height)};
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double value = value_at(x, y);
      if (value > t.threshold - t.stability_offset) ++mask.low;
      if (value > t.threshold + t.stability_offset) ++mask.high;
      if (!(value > t.threshold)) continue;
      mask.bytes[y * width + x] = 1;
      const auto px = static_cast<std::int32_t>(x), py = static_cast<std::int32_t>(y);
      if (mask.area++ == 0) {
        mask.box[0] = mask.box[2] = px;
        mask.box[1] = py;
      }
      mask.box[0] = std::min(mask.box[0], px);
      mask.box[2] = std::max(mask.box[2], px);
      mask.box[3] = py;
    }
  }
  return mask;
}

void check_against(const PlainMask& plain, const unsam::MaskStatistics& s, std::size_t k) {
  CHECK(s.areas[k] == plain.area);
  CHECK(std::equal(plain.box, plain.box + 4, s.boxes.begin() + static_cast<std::ptrdiff_t>(4 * k)));
  CHECK(s.stability[k] ==
        (plain.low == 0 ? 0.0 : static_cast<double>(plain.high) / static_cast<double>(plain.low)));
  if (s.masks.words.empty()) return;
  const std::vector<std::uint32_t> words = pack(plain.bytes, s.masks.width, s.masks.height);
  CHECK(std::equal(words.begin(), words.end(), s.masks.words.begin() + static_cast<std::ptrdiff_t>(k * words.size())));
}

// One output position of PyTorch's bilinear interpolation, computed in float32.
struct Position {
  std::size_t before, after;
  float fraction;
  Position(std::size_t size, std::size_t out, std::size_t i) {
    const float scale = static_cast<float>(size) / static_cast<float>(out);
    float at = scale * (static_cast<float>(i) + 0.5f);
    at = std::max(at - 0.5f, 0.0f);
    before = std::min(static_cast<std::size_t>(at), size - 1);
    after = std::min(before + 1, size - 1);
    fraction = at - static_cast<float>(before);
  }
};

const unsam::Thresholds kThresholds[] = {{0.0, 1.0}, {0.25, 0.75}, {-0.1, 0.3}, {0.7, 0.0}};

}  // namespace

TEST("mask statistics are those of a plain loop") {
  test::Random random(1);
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = between(random, 1, 6), h = between(random, 1, 40), w = between(random, 1, 100);
    const std::vector<float> data = logits(random, count, h, w, round % 2 == 1);
    const unsam::Thresholds& t = kThresholds[round % 4];
    const unsam::MaskStatistics s = unsam::mask_statistics({count, h, w, data}, t, serial_for);
    for (std::size_t k = 0; k < count; ++k) {
      check_against(plain_mask(w, h, t, [&](std::size_t x, std::size_t y) { return data[(k * h + y) * w + x]; }), s, k);
    }
  }
}

TEST("finished masks are those of interpolating every pixel, bit for bit") {
  test::Random random(2);
  for (int round = 0; round < 80; ++round) {
    const std::size_t count = between(random, 1, 9), h = between(random, 1, 40), w = between(random, 1, 70);
    const std::size_t height = between(random, 1, round % 3 == 0 ? 20 : 150);
    const std::size_t width = between(random, 1, round % 3 == 0 ? 30 : 200);
    const std::vector<float> data = logits(random, count, h, w, round % 2 == 1);
    const unsam::Thresholds& t = kThresholds[round % 4];
    const unsam::FinishedMasks f = unsam::finish_masks({count, h, w, data}, width, height, {t, true, true}, serial_for);
    const unsam::FinishedMasks bare =
        unsam::finish_masks({count, h, w, data}, width, height, {t, false, true}, serial_for);
    CHECK(bare.run_lengths == f.run_lengths && bare.statistics.areas == f.statistics.areas);
    CHECK(bare.statistics.masks.words.empty() && bare.statistics.stability == f.statistics.stability);
    for (std::size_t k = 0; k < count; ++k) {
      const float* map = data.data() + k * h * w;
      const PlainMask plain = plain_mask(width, height, t, [&](std::size_t x, std::size_t y) {
        const Position px(w, width, x), py(h, height, y);
        const auto across = [&](std::size_t row) {
          const double fx = px.fraction;
          return static_cast<float>(map[row * w + px.before] * (1.0 - fx) + map[row * w + px.after] * fx);
        };
        const double fy = py.fraction;
        return static_cast<double>(across(py.before)) * (1.0 - fy) + static_cast<double>(across(py.after)) * fy;
      });
      check_against(plain, f.statistics, k);
      CHECK(f.run_lengths[k] == plain_run_lengths(pack(plain.bytes, width, height), width, height));
    }
  }
}

TEST("1, 2 and 8 threads give the same bits") {
  test::Random random(3);
  const std::vector<float> data = logits(random, 37, 30, 45, true);
  const unsam::LogitMaps maps{37, 30, 45, data};
  const unsam::FinishedMasks first = unsam::finish_masks(maps, 133, 90, {}, serial_for);
  for (const std::size_t threads : {1, 2, 8}) {
    unsam::ThreadTeam team(threads);
    const unsam::FinishedMasks again = unsam::finish_masks(maps, 133, 90, {}, unsam::parallel_on(team));
    CHECK(again.statistics.masks.words == first.statistics.masks.words);
    CHECK(again.statistics.boxes == first.statistics.boxes && again.statistics.areas == first.statistics.areas);
    CHECK(again.statistics.stability == first.statistics.stability && again.run_lengths == first.run_lengths);
    const auto statistics = unsam::mask_statistics(maps, {}, unsam::parallel_on(team));
    CHECK(statistics.masks.words == unsam::mask_statistics(maps, {}, serial_for).masks.words);
  }
}

TEST("run lengths are those of walking down the columns, and come back") {
  test::Random random(4);
  for (int round = 0; round < 200; ++round) {
    const std::size_t width = between(random, 1, 80), height = between(random, 1, 50);
    const std::vector<std::uint32_t> words = pack(mask_bytes(random, width, height), width, height);
    const unsam::RunLengths counts = unsam::encode_rle(words, width, height);
    CHECK(counts == plain_run_lengths(words, width, height));
    CHECK(unsam::decode_rle(counts, width, height, width * height) == words);
    CHECK(unsam::decode_counts(unsam::encode_counts(counts)) == counts);
  }
  // Known from pycocotools' format: 3 background, 2 foreground, 4 background, 1 foreground; then a large number.
  CHECK(unsam::encode_counts(unsam::RunLengths{3, 2, 4, 1}) == "324O");
  const unsam::RunLengths large{0, 0x7fffffff, 5, 0, 0x7fffffff};
  CHECK(unsam::decode_counts(unsam::encode_counts(large)) == large);
}

TEST("hostile run lengths are refused") {
  const unsam::RunLengths short_by_one{3, 4}, beyond{3, 4, 0xffffffff, 0xffffffff};
  CHECK_THROWS(unsam::decode_rle(short_by_one, 4, 2, 100), ErrorCode::bad_file);
  CHECK_THROWS(unsam::decode_rle(beyond, 4, 2, 100), ErrorCode::bad_file);
  CHECK_THROWS(unsam::decode_rle({}, 0, 2, 100), ErrorCode::bad_file);
  CHECK_THROWS(unsam::decode_rle({}, SIZE_MAX, SIZE_MAX, SIZE_MAX), ErrorCode::bad_file);
  CHECK_THROWS(unsam::decode_rle(unsam::RunLengths{200}, 20, 10, 100), ErrorCode::bad_file);
  for (const char* text : {"\x1f", "p", "o", "oooooooo", "O", "52K"}) {
    CHECK_THROWS(unsam::decode_counts(text), ErrorCode::bad_file);
  }
}

TEST("components are those of a flood fill; small ones go") {
  test::Random random(5);
  for (int round = 0; round < 120; ++round) {
    const std::size_t width = between(random, 1, 60), height = between(random, 1, 40);
    const std::vector<std::uint8_t> bytes = mask_bytes(random, width, height);
    const bool eight = round % 2 == 0;
    const auto connectivity = eight ? unsam::Connectivity::eight : unsam::Connectivity::four;

    // Labels from 1 in the order of first pixels, of the pixels whose value is `of`.
    std::vector<std::size_t> areas;
    const auto fill = [&](std::uint8_t of) {
      areas.assign(1, 0);
      std::vector<std::size_t> labels(bytes.size());
      for (std::size_t seed = 0; seed < bytes.size(); ++seed) {
        if (bytes[seed] != of || labels[seed] != 0) continue;
        areas.push_back(0);
        std::queue<std::size_t> open({seed});
        labels[seed] = areas.size() - 1;
        while (!open.empty()) {
          const std::size_t at = open.front();
          open.pop();
          ++areas.back();
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
              if (!eight && dx != 0 && dy != 0) continue;
              const std::size_t x = at % width + static_cast<std::size_t>(dx);
              const std::size_t y = at / width + static_cast<std::size_t>(dy);
              if (x >= width || y >= height) continue;  // -1 wraps around to a large number
              const std::size_t to = y * width + x;
              if (bytes[to] != of || labels[to] != 0) continue;
              labels[to] = areas.size() - 1;
              open.push(to);
            }
          }
        }
      }
      return labels;
    };
    const std::vector<std::uint32_t> words = pack(bytes, width, height);
    const unsam::Components found = unsam::find_components(words, width, height, connectivity);
    const std::vector<std::size_t> islands = fill(1);
    CHECK(found.areas.size() == areas.size() - 1);
    for (std::size_t i = 0; i < found.areas.size(); ++i) CHECK(static_cast<std::size_t>(found.areas[i]) == areas[i + 1]);
    for (std::size_t y = 0; y < height; ++y) {
      for (auto run = static_cast<std::size_t>(found.row_start[y]);
           run < static_cast<std::size_t>(found.row_start[y + 1]); ++run) {
        for (auto x = static_cast<std::size_t>(found.start[run]); x < static_cast<std::size_t>(found.end[run]); ++x) {
          CHECK(islands[y * width + x] == static_cast<std::size_t>(found.of_run[run]) + 1);
        }
      }
    }

    const std::size_t limit = between(random, 0, 30);
    const auto largest = static_cast<std::size_t>(std::max_element(areas.begin(), areas.end()) - areas.begin());
    std::vector<std::uint8_t> kept(bytes.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      kept[i] = islands[i] != 0 && (areas[largest] >= limit ? areas[islands[i]] >= limit : islands[i] == largest);
    }
    CHECK(unsam::remove_small_regions(words, width, height, unsam::SmallRegions::islands, static_cast<double>(limit),
                                      connectivity) == pack(kept, width, height));
    const std::vector<std::size_t> holes = fill(0);
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = bytes[i] != 0 || areas[holes[i]] < limit;
    CHECK(unsam::remove_small_regions(words, width, height, unsam::SmallRegions::holes, static_cast<double>(limit),
                                      connectivity) == pack(kept, width, height));
  }
}

TEST("wrong shapes are refused before anything is allocated") {
  const std::vector<float> data(12);
  const std::vector<std::uint32_t> words(4, 0x80000000u);
  CHECK_THROWS(unsam::mask_statistics({2, 2, 4, data}, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::mask_statistics({0, 2, 4, {}}, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::mask_statistics({SIZE_MAX, 3, 4, data}, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::mask_statistics({1, SIZE_MAX / 2, SIZE_MAX / 2, data}, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::mask_statistics({1, 3, 4, data}, {NAN, 1.0}, serial_for), ErrorCode::bad_option);
  CHECK_THROWS(unsam::mask_statistics({1, 3, 4, data}, {0.0, -1.0}, serial_for), ErrorCode::bad_option);
  CHECK_THROWS(unsam::finish_masks({1, 3, 4, data}, 0, 5, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::finish_masks({1, 3, 4, data}, 1 << 20, 1 << 20, {}, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::encode_rle(words, 3, 5), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::encode_rle(words, 31, 4), ErrorCode::bad_prompt);  // a bit beyond the width
  CHECK_THROWS(unsam::find_components(words, 31, 4, unsam::Connectivity::four), ErrorCode::bad_prompt);
}
