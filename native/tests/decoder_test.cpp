// The fused decoder against the plain one of reference/, on random weights, sizes and prompts; and what it promises
// about threads, repetition and bad input.
#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "cpu/isa.h"
#include "decoder_cases.h"
#include "same_decoding.h"
#include "test.h"

namespace {

using namespace unsam;
using namespace test;

struct Asked {
  Batch batch;
  bool multimask;
};

// `ask(side, granularity)`: what is asked at a side of the image embedding.
template <class Ask>
void compare(test::Random& random, std::uint64_t model_seed, Precision precision, double limit, std::initializer_list<std::size_t> sides,
             Ask ask) {
  Worst worst;
  for (const bool granularity : {true, false}) {
    const RandomModel model(granularity ? model_seed : model_seed + 1, granularity);
    const DecoderWeights weights = model.weights();
    const Decoder decoder(weights, {precision});
    const reference::Decoder plain(weights);
    for (const std::size_t side : sides) {
      const RandomFeatures features(random(), side);
      const auto image = decoder.prepare(features.view(), 2);
      const Asked asked = ask(side, granularity);
      const auto results = decoder.decode(*image, asked.batch.prompts, {asked.multimask, 2});
      for (std::size_t p = 0; p < results.size(); ++p) {
        worst.compare(results[p], plain.run(features.view(), asked.batch.prompts[p]), side, granularity, asked.multimask);
      }
    }
  }
  worst.check(limit);
}

void against_reference(Precision precision, double limit) {
  test::Random random(11);
  compare(random, 5, precision, limit, {1, 2, 3, 7, 9, 17}, [&](std::size_t side, bool granularity) {
    Batch batch = random_batch(random, side, side < 8 ? 4 : 2, granularity);
    return Asked{std::move(batch), random() % 2 == 0};
  });
}

// One block of tokens, some, and many; each count on both sides of where it begins to be decoded as a long prompt; together with
// short ones.
void long_prompts_against_reference(Precision precision, double limit) {
  test::Random random(12);
  compare(random, 7, precision, limit, {3, 8, 9, 17}, [&](std::size_t side, bool granularity) {
    return Asked{side == 17 ? long_batch(random, side, {70}, granularity)
                 : side == 9 ? long_batch(random, side, {20, 2, 300}, granularity)
                             : long_batch(random, side, {5, 6, 7, 8, 9, 10, 11, 12, 14, 57, 128, 200}, granularity),
                 side % 2 == 0};
  });
}

}  // namespace

TEST("agrees with the plain decoder, float32") { against_reference(Precision::float32, 2e-5); }

TEST("agrees with the plain decoder, bfloat16") {
  if (kernels().bf16 == nullptr) throw test::Skip{"this instruction set has no bfloat16 dot product"};
  against_reference(Precision::bfloat16, 2e-2);
}

TEST("agrees with the plain decoder on prompts of many points, float32") {
  long_prompts_against_reference(Precision::float32, 2e-5);
}

TEST("agrees with the plain decoder on prompts of many points, bfloat16") {
  if (kernels().bf16 == nullptr) throw test::Skip{"this instruction set has no bfloat16 dot product"};
  long_prompts_against_reference(Precision::bfloat16, 2e-2);
}

TEST("gives every mask with its token: the plain decoder's, and the bits of those it chooses among") {
  test::Random random(13);
  Worst worst;
  double token = 0;
  for (const bool granularity : {true, false}) {
    const RandomModel model(granularity ? 9 : 10, granularity);
    const DecoderWeights weights = model.weights();
    const Decoder decoder(weights);
    const reference::Decoder plain(weights);
    const RandomFeatures features(random(), 7);
    const auto image = decoder.prepare(features.view(), 2);
    Batch batch = random_batch(random, 7, 3, granularity);
    const Batch many = long_batch(random, 7, {40}, granularity);
    batch.prompts.push_back(many.prompts[0]);
    const auto results = decoder.decode(*image, batch.prompts, {.threads = 2, .every_mask = true});
    const auto chosen = decoder.decode(*image, batch.prompts, {.threads = 1});
    for (std::size_t p = 0; p < results.size(); ++p) {
      const DecodedMasks& got = results[p];
      const auto want = plain.run(features.view(), batch.prompts[p]);
      CHECK(got.predicted_iou.size() == 4);
      CHECK(got.mask_tokens.size() == got.tokens.size() * 256);
      worst.compare_every(got, want, 7, granularity);
      for (std::size_t m = 0; m < got.tokens.size(); ++m) {
        const auto& row = want.tokens[static_cast<std::size_t>(got.tokens[m])];
        for (std::size_t i = 0; i < row.size(); ++i) token = std::max(token, std::abs(got.mask_tokens[256 * m + i] - row[i]));
      }
      CHECK(chosen[p].mask_tokens.empty());
      CHECK(chosen[p].object_score == got.object_score);
      const std::size_t at = granularity ? 0 : static_cast<std::size_t>(chosen[p].tokens[0]) * chosen[p].low_res.size();
      CHECK(std::equal(chosen[p].low_res.begin(), chosen[p].low_res.end(), got.low_res.begin() + static_cast<std::ptrdiff_t>(at)));
    }
  }
  worst.check(2e-5);
  CHECK_LE(token, 2e-4);
}

TEST("threads, batches and repetition do not change a bit") {
  for (const bool granularity : {true, false}) {
    const RandomModel model(21, granularity);
    const Decoder decoder(model.weights());
    test::Random random(22);
    const RandomFeatures features(23, 19);
    Batch batch = random_batch(random, 19, 11, granularity);  // more than one group
    const Batch many = long_batch(random, 19, {30, 600, 64, 700, 300, 9}, granularity);  // groups end at many tokens, too
    for (std::size_t p = 0; p < many.prompts.size(); ++p) {
      batch.prompts.insert(batch.prompts.begin() + static_cast<std::ptrdiff_t>(2 * p), many.prompts[p]);
    }
    const auto image = decoder.prepare(features.view(), 1);
    const auto expected = decoder.decode(*image, batch.prompts, {false, 1});
    for (const std::size_t threads : {2, 3, 8}) {
      const auto again = decoder.prepare(features.view(), threads);
      const auto results = decoder.decode(*again, batch.prompts, {false, threads});
      for (std::size_t p = 0; p < expected.size(); ++p) CHECK(same(expected[p], results[p]));
    }
    for (std::size_t p = 0; p < batch.prompts.size(); ++p) {
      const auto alone = decoder.decode(*image, std::span(batch.prompts).subspan(p, 1), {false, 2});
      CHECK(same(expected[p], alone[0]));
    }
  }
}

TEST("one image serves concurrent calls") {
  const RandomModel model(31, true);
  const Decoder decoder(model.weights());
  const RandomFeatures features(32, 9);
  const auto image = decoder.prepare(features.view(), 2);
  test::Random random(33);
  const Batch batch = random_batch(random, 9, 3, true);
  const auto expected = decoder.decode(*image, batch.prompts, {false, 1});
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      equal[i] = 1;
      for (int round = 0; round < 3; ++round) {
        const auto mine = round == 2 ? decoder.prepare(features.view(), 2) : image;
        const auto results = decoder.decode(*mine, batch.prompts, {false, 1 + i % 3});
        for (std::size_t p = 0; p < results.size(); ++p) equal[i] &= same(expected[p], results[p]);
      }
    });
  }
  for (auto& t : threads) t.join();
  for (const int e : equal) CHECK(e == 1);
}

TEST("padding lanes and the order of prompts leave no trace") {
  // The same prompt first after a longer one and on a fresh decoder: reused memory must not matter.
  const RandomModel model(41, false);
  test::Random random(42);
  const RandomFeatures features(43, 5);
  const RandomPrompt longer(random, 5, 9, false, true), shorter(random, 5, 1, false, false), longest(random, 5, 1500, false, true);
  const Decoder used(model.weights()), fresh(model.weights());
  const auto used_image = used.prepare(features.view()), fresh_image = fresh.prepare(features.view());
  const Prompt a[] = {longer.view(), longest.view()}, b[] = {shorter.view()};
  (void)used.decode(*used_image, a, {true, 1});
  CHECK(same(used.decode(*used_image, b, {true, 1})[0], fresh.decode(*fresh_image, b, {true, 1})[0]));
}

TEST("bad input gives typed errors") {
  const RandomModel model(51, true), plain_model(52, false);
  const Decoder decoder(model.weights()), plain(plain_model.weights());
  const std::size_t side = 4;
  const RandomFeatures features(53, side);
  const auto image = decoder.prepare(features.view());
  const auto plain_image = plain.prepare(features.view());
  const std::vector<float> xy{1.0f, 2.0f}, one{1.0f}, mask(16 * side * side, 0.5f), short_mask(15, 0.0f);
  const std::vector<std::int32_t> label{1}, wrong{4};
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto decode = [&](Prompt prompt, DecodeOptions options = {}) { return decoder.decode(*image, {&prompt, 1}, options); };
  using enum ErrorCode;
  CHECK(decode({xy, label, 0.5f, mask}).size() == 1);
  CHECK(decode({{}, {}, {}, mask}).size() == 1);
  CHECK(decoder.decode(*image, {}, {}).empty());
  CHECK_THROWS(decode({one, label, {}, {}}), bad_prompt);
  CHECK_THROWS(decode({xy, wrong, {}, {}}), bad_prompt);
  CHECK_THROWS(decode({{}, {}, 0.5f, {}}), bad_prompt);
  CHECK_THROWS(decode({xy, label, nan, {}}), bad_prompt);
  CHECK_THROWS(decode({xy, label, {}, short_mask}), bad_prompt);
  std::vector<float> bad_xy{1.0f, infinity}, bad_mask(mask);
  bad_mask[7] = nan;
  CHECK_THROWS(decode({bad_xy, label, {}, {}}), bad_prompt);
  CHECK_THROWS(decode({xy, label, {}, bad_mask}), bad_prompt);
  CHECK_THROWS(decode({xy, label, {}, {}}, {false, 0}), bad_option);
  CHECK_THROWS(decode({xy, label, {}, {}}, {false, 100000}), bad_option);
  const std::vector<std::int32_t> most(kMostLabels, 1), more(kMostLabels + 1, 1);
  const std::vector<float> most_xy(2 * most.size(), 3.0f), more_xy(2 * more.size(), 3.0f);
  CHECK(decode({most_xy, most, 0.5f, {}}).size() == 1);
  CHECK_THROWS(decode({more_xy, more, 0.5f, {}}), bad_prompt);
  const Prompt with_granularity[] = {{xy, label, 0.5f, {}}};
  CHECK_THROWS(plain.decode(*plain_image, with_granularity, {}), bad_prompt);
  CHECK_THROWS(plain.decode(*image, with_granularity, {}), bad_option);
  ImageFeatures view = features.view();
  view.side = 5;
  CHECK_THROWS(decoder.prepare(view), bad_features);
  view.side = 0;
  CHECK_THROWS(decoder.prepare(view), bad_features);

  RandomModel missing(54, true);
  missing.values.erase("sam_mask_decoder.iou_token.weight");
  CHECK_THROWS(missing.weights(), bad_checkpoint);
  RandomModel wrong_shape(55, true);
  wrong_shape.shapes["sam_mask_decoder.mask_tokens.weight"] = {256, 4};
  CHECK_THROWS(wrong_shape.weights(), bad_checkpoint);
  RandomModel short_data(56, true);
  short_data.values["sam_mask_decoder.mask_tokens.weight"].pop_back();
  CHECK_THROWS(short_data.weights(), bad_checkpoint);
}

TEST("features that are not numbers do not crash") {
  const RandomModel model(61, false);
  const Decoder decoder(model.weights());
  RandomFeatures features(62, 3);
  features.embed[5] = std::numeric_limits<float>::quiet_NaN();
  features.high0[7] = std::numeric_limits<float>::infinity();
  const auto image = decoder.prepare(features.view());
  test::Random random(63);
  const RandomPrompt prompt(random, 3, 2, false, false);
  const Prompt view[] = {prompt.view()};
  CHECK(decoder.decode(*image, view, {false, 2})[0].low_res.size() == 144);
}
