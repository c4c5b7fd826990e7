#include "decoder_cases.h"

#include <algorithm>
#include <cmath>

#include "agreement.h"
#include "test.h"

namespace test {

using namespace unsam;

Batch random_batch(std::mt19937_64& random, std::size_t side, std::size_t count, bool granularity) {
  Batch batch;
  for (std::size_t i = 0; i < count; ++i) {
    const bool mask = random() % 3 == 0;
    const std::size_t points = mask ? random() % 4 : 1 + random() % 6;
    batch.owned.emplace_back(random, side, points, granularity && random() % 4 != 0, mask);
  }
  for (const auto& p : batch.owned) batch.prompts.push_back(p.view());
  return batch;
}

Batch long_batch(std::mt19937_64& random, std::size_t side, std::initializer_list<std::size_t> points, bool granularity) {
  Batch batch;
  for (const std::size_t n : points) {
    batch.owned.emplace_back(random, side, n, granularity && random() % 2 == 0, random() % 2 == 0);
    for (std::int32_t& label : batch.owned.back().labels) label = static_cast<std::int32_t>(random() % 5) - 1;
  }
  for (const auto& p : batch.owned) batch.prompts.push_back(p.view());
  return batch;
}

void Worst::compare(const DecodedMasks& got, const reference::Output& want, std::size_t side, bool granularity, bool multimask) {
  const std::size_t size = 16 * side * side;
  CHECK(got.low_res.size() == got.tokens.size() * size);
  CHECK(got.tokens.size() == (granularity || !multimask ? 1u : 3u));
  for (std::size_t m = 0; m < got.tokens.size(); ++m) {
    const double off = relative_error(std::span(got.low_res).subspan(m * size, size), want.masks[static_cast<std::size_t>(got.tokens[m])]);
    logits = std::isnan(off) ? 1.0 : std::max(logits, off);
    const double iou = !granularity ? want.iou[static_cast<std::size_t>(got.tokens[m])]
                       : multimask  ? std::max({want.iou[1], want.iou[2], want.iou[3]})
                                    : want.iou[0];
    score = std::max(score, std::abs(got.predicted_iou[m] - iou));
  }
  score = std::max(score, std::abs(got.object_score - want.object_score));
}

void Worst::compare_every(const DecodedMasks& got, const reference::Output& want, std::size_t side, bool granularity) {
  const std::size_t size = 16 * side * side;
  CHECK((got.tokens == (granularity ? std::vector<std::int32_t>{4} : std::vector<std::int32_t>{0, 1, 2, 3})));
  CHECK(got.low_res.size() == got.tokens.size() * size);
  for (std::size_t m = 0; m < got.tokens.size(); ++m) {
    logits = std::max(logits, relative_error(std::span(got.low_res).subspan(m * size, size), want.masks[static_cast<std::size_t>(got.tokens[m])]));
  }
  for (std::size_t i = 0; i < 4; ++i) score = std::max(score, std::abs(got.predicted_iou[i] - want.iou[i]));
  score = std::max(score, std::abs(got.object_score - want.object_score));
}

void Worst::check(double limit) const {
  std::printf("      worst relative L2 %.2e, worst score %.2e\n", logits, score);
  CHECK_LE(logits, limit);
  CHECK_LE(score, limit);
}

}  // namespace test
