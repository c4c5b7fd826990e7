// Merging of patches against its definition: all pairs of regions compared patch by patch after every merge.
#include "unsam/patch_merge.h"

#include <cmath>
#include <map>

#include "fusion/scenes.h"
#include "parallel/parallel_on.h"

using unsam::ErrorCode;
using unsam::serial_for;

namespace {

struct PlainMerge {
  std::size_t a, b;
  double similarity;
};

std::vector<PlainMerge> plain_merges(const std::vector<float>& data, std::size_t h, std::size_t w, std::size_t d) {
  const auto cosine = [&](std::size_t i, std::size_t j) {
    double product = 0, a = 0, b = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const double x = data[i * d + k], y = data[j * d + k];
      product += x * y;
      a += x * x;
      b += y * y;
    }
    return product / std::sqrt(a * b);
  };
  const auto touch = [&](std::size_t i, std::size_t j) {
    const auto apart = [](std::size_t p, std::size_t q) { return p > q ? p - q : q - p; };
    return apart(i % w, j % w) + apart(i / w, j / w) == 1;
  };
  std::map<std::size_t, std::vector<std::size_t>> regions;
  for (std::size_t i = 0; i < h * w; ++i) regions[i] = {i};
  std::vector<PlainMerge> merges;
  while (regions.size() > 1) {
    PlainMerge best{0, 0, -2.0};
    for (const auto& [a, patches] : regions) {
      for (const auto& [b, others] : regions) {
        if (a >= b) continue;
        bool meet = false;
        double sum = 0;
        for (const std::size_t i : patches) {
          for (const std::size_t j : others) {
            meet = meet || touch(i, j);
            sum += cosine(i, j);
          }
        }
        sum /= static_cast<double>(patches.size() * others.size());
        if (meet && sum > best.similarity) best = {a, b, sum};
      }
    }
    std::vector<std::size_t> joined = regions[best.a];
    joined.insert(joined.end(), regions[best.b].begin(), regions[best.b].end());
    regions.erase(best.a);
    regions.erase(best.b);
    regions[h * w + merges.size()] = joined;
    merges.push_back(best);
  }
  return merges;
}

}  // namespace

TEST("patches are joined in the order of the definition") {
  test::Random random(21);
  for (int round = 0; round < 25; ++round) {
    const std::size_t h = scenes::between(random, 1, 6), w = scenes::between(random, 1, 7);
    const std::size_t d = scenes::between(random, 3, 40);
    std::vector<float> data = test::normal(random, h * w * d);
    for (float& value : data) value += 0.3f;
    const unsam::PatchMerges merges = unsam::merge_patches(data, h, w, d, serial_for);
    const std::vector<PlainMerge> plain = plain_merges(data, h, w, d);
    CHECK(merges.similarity.size() == plain.size());
    for (std::size_t m = 0; m < plain.size(); ++m) {
      CHECK(static_cast<std::size_t>(merges.children[2 * m]) == plain[m].a);
      CHECK(static_cast<std::size_t>(merges.children[2 * m + 1]) == plain[m].b);
      CHECK_LE(std::abs(merges.similarity[m] - plain[m].similarity), 1e-6);
    }
    for (const std::size_t threads : {2, 8}) {
      unsam::ThreadTeam team(threads);
      const unsam::PatchMerges again = unsam::merge_patches(data, h, w, d, unsam::parallel_on(team));
      CHECK(again.children == merges.children && again.similarity == merges.similarity);
    }
  }
}

TEST("wrong maps are refused") {
  std::vector<float> data(8, 1.0f);
  CHECK_THROWS(unsam::merge_patches(data, 2, 2, 3, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::merge_patches({}, 0, 2, 3, serial_for), ErrorCode::bad_prompt);
  CHECK_THROWS(unsam::merge_patches(data, SIZE_MAX, SIZE_MAX, SIZE_MAX, serial_for), ErrorCode::bad_prompt);
  data[5] = NAN;
  CHECK_THROWS(unsam::merge_patches(data, 2, 2, 2, serial_for), ErrorCode::bad_prompt);
  data[5] = 0.0f;
  data[4] = 0.0f;  // a patch of zeros resembles nothing and is joined all the same
  CHECK(unsam::merge_patches(data, 2, 2, 2, serial_for).similarity.back() == 0.0);
}
