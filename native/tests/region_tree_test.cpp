// The region tree's invariants; its numbers are compared with those of the TypeScript implementation in packages/core/test/operations.
#include "unsam/region_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>

#include "region_tree/cpu/tridiagonal.h"
#include "fusion/scenes.h"
#include "parallel/parallel_on.h"

using unsam::ErrorCode;
using unsam::serial_for;

namespace {

// Noise over blocks of random colours.
std::vector<std::uint8_t> image(test::Random& random, std::size_t width, std::size_t height) {
  const std::size_t block = scenes::between(random, 3, 40);
  std::vector<std::uint8_t> colours((width / block + 1) * (height / block + 1) * 3), rgb(width * height * 3);
  for (std::uint8_t& value : colours) value = static_cast<std::uint8_t>(scenes::between(random, 0, 240));
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const std::size_t x = i / 3 % width, y = i / 3 / width;
    const std::size_t at = (y / block * (width / block + 1) + x / block) * 3 + i % 3;
    rgb[i] = static_cast<std::uint8_t>(colours[at] + scenes::between(random, 0, 15));
  }
  return rgb;
}

}  // namespace

TEST("a hierarchy joins touching superpixels once each, heights never falling, on any number of threads") {
  test::Random random(31);
  for (int round = 0; round < 12; ++round) {
    const std::size_t width = scenes::between(random, 1, round < 4 ? 4 : 90);
    const std::size_t height = scenes::between(random, 1, round < 4 ? 4 : 70);
    std::vector<std::uint8_t> rgb = image(random, width, height);
    if (round == 5) std::fill(rgb.begin(), rgb.end(), std::uint8_t{77});
    const unsam::RegionHierarchy h = unsam::build_region_hierarchy(rgb, width, height, serial_for);
    const std::size_t count = h.superpixels.count;
    if (round == 5) CHECK(count == 1);
    std::set<std::int32_t> used(h.superpixels.labels.begin(), h.superpixels.labels.end());
    CHECK(used.size() == count && *used.begin() == 0 && static_cast<std::size_t>(*used.rbegin()) == count - 1);
    for (std::size_t r = 0; r < count; ++r) {
      const auto marker = static_cast<std::size_t>(h.superpixels.markers[r]);
      CHECK(static_cast<std::size_t>(h.superpixels.labels[marker]) == r);
    }
    double border = 0.0;
    for (const double length : h.graph.border) border += length;
    double meetings = 0.0;
    for (std::size_t i = 0; i < width * height; ++i) {
      const auto& labels = h.superpixels.labels;
      meetings += (i + 1) % width != 0 && labels[i] != labels[i + 1];
      meetings += i + width < labels.size() && labels[i] != labels[i + width];
    }
    CHECK(border == meetings);
    std::vector<bool> joined(2 * count);
    for (std::size_t m = 0; m + 1 < count; ++m) {
      for (std::size_t k = 0; k < 2; ++k) {
        const auto child = static_cast<std::size_t>(h.merges.children[2 * m + k]);
        CHECK(child < count + m && !joined[child]);
        joined[child] = true;
        CHECK(child < count || h.merges.heights[child - count] <= h.merges.heights[m]);
      }
      CHECK(h.merges.border[m] >= 1.0);
    }
    for (const std::size_t threads : {2, 8}) {
      unsam::ThreadTeam team(threads);
      const unsam::RegionHierarchy again =
          unsam::build_region_hierarchy(rgb, width, height, unsam::parallel_on(team));
      CHECK(again.superpixels.labels == h.superpixels.labels && again.graph.strength == h.graph.strength);
      CHECK(again.merges.children == h.merges.children && again.merges.heights == h.merges.heights);
    }
  }
}

TEST("learned cues: any threads give the same bits, cues that do not fit are refused") {
  test::Random random(33);
  const std::size_t width = 61, height = 40, columns = 32, rows = 20, cells = columns * rows, dimensions = 3;
  const std::vector<std::uint8_t> rgb = image(random, width, height);
  std::vector<float> border(cells), heights(cells), metric(dimensions * cells);
  for (float& value : border) value = static_cast<float>(scenes::between(random, 0, 100)) / 100.0f;
  for (float& value : heights) value = static_cast<float>(scenes::between(random, 0, 100)) / 100.0f;
  for (float& value : metric) value = static_cast<float>(scenes::between(random, 0, 100)) / 50.0f;
  const unsam::LearnedCues learned{columns, rows, border, heights, dimensions, metric};
  const unsam::RegionHierarchy h = unsam::build_region_hierarchy(rgb, width, height, serial_for, &learned);
  unsam::ThreadTeam team(3);
  const unsam::RegionHierarchy again =
      unsam::build_region_hierarchy(rgb, width, height, unsam::parallel_on(team), &learned);
  CHECK(again.superpixels.labels == h.superpixels.labels && again.graph.strength == h.graph.strength);
  CHECK(again.merges.children == h.merges.children && again.merges.strength == h.merges.strength);
  // Each border is crossed by one merge.
  double merged = 0.0, borders = 0.0;
  for (const double strength : h.merges.strength) merged += strength;
  for (const double strength : h.graph.strength) borders += strength;
  CHECK(std::abs(merged - borders) < 1e-9 * borders);

  const auto refused = [&](const unsam::LearnedCues& cues) {
    try {
      unsam::build_region_hierarchy(rgb, width, height, serial_for, &cues);
    } catch (const unsam::Error& error) {
      return error.code() == unsam::ErrorCode::bad_prompt;
    }
    return false;
  };
  CHECK(refused({columns - 2, rows, border, heights, dimensions, metric}));
  CHECK(refused({columns, rows - 1, border, heights, dimensions, metric}));
  CHECK(refused({columns, rows, border, heights, dimensions + 1, metric}));
  CHECK(refused({columns, rows, std::span(border).first(cells - 1), heights, dimensions, metric}));
  CHECK(refused({columns, rows, border, heights, std::size_t{1} << 62, metric}));
  metric[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(refused(learned));
}

TEST("eigenpairs of a tridiagonal matrix satisfy A v = theta v") {
  test::Random random(32);
  for (const std::size_t n : {1, 2, 7, 60}) {
    const std::vector<float> d = test::normal(random, n), e = test::normal(random, n);
    const std::vector<double> diagonal(d.begin(), d.end()), off(e.begin(), e.end());
    const unsam::tree::EigenPairs pairs = unsam::tree::tridiagonal_eigenpairs(diagonal, off);
    CHECK(std::is_sorted(pairs.values.begin(), pairs.values.end()));
    for (std::size_t k = 0; k < n; ++k) {
      const double* v = pairs.vectors.data() + k * n;
      for (std::size_t i = 0; i < n; ++i) {
        double image = diagonal[i] * v[i];
        if (i > 0) image += off[i - 1] * v[i - 1];
        if (i + 1 < n) image += off[i] * v[i + 1];
        CHECK_LE(std::abs(image - pairs.values[k] * v[i]), 1e-12);
      }
    }
  }
}

TEST("images of wrong size are refused") {
  const std::vector<std::uint8_t> rgb(12);
  CHECK_THROWS(unsam::build_region_hierarchy(rgb, 2, 3, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::build_region_hierarchy({}, 0, 3, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::build_region_hierarchy(rgb, SIZE_MAX, SIZE_MAX, serial_for), ErrorCode::bad_prompt);
}
