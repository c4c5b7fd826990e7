// The CUDA decoder against the CPU's (float32) on random weights, sizes and prompts, and what it promises about repetition,
// memory and concurrent calls. What decoder_test.cpp tests of the CPU's under the same name stands here again: the two decoders
// share no interface, their calls and options differ.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>

#include "agreement.h"
#include "cuda_test.h"
#include "decoder_options.h"
#include "random_model.h"
#include "same_decoding.h"

namespace {

using namespace unsam;

struct Batch {
  std::vector<RandomPrompt> owned;
  std::vector<Prompt> prompts;
};

// Prompts of unequal token counts: with and without granularity and mask, mask alone, up to `points` points.
Batch random_batch(std::mt19937_64& random, std::size_t side, std::size_t count, bool granularity, std::size_t points = 4,
                   bool masks = true) {
  Batch batch;
  for (std::size_t i = 0; i < count; ++i) {
    const bool mask = masks && random() % 3 == 0;
    const std::size_t n = mask ? random() % points : 1 + random() % points;
    batch.owned.emplace_back(random, side, n, granularity && random() % 4 != 0, mask);
  }
  for (const auto& p : batch.owned) batch.prompts.push_back(p.view());
  return batch;
}

struct Case {
  std::size_t side, prompts, points;
  bool granularity, multimask;
};

void against_cpu(Precision precision, double limit, std::initializer_list<Case> cases) {
  need_device();
  double worst = 0, worst_score = 0;
  std::size_t compared = 0, other_choices = 0;
  std::uint64_t seed = 100;
  for (const Case& c : cases) {
    test::Random random(++seed);
    const RandomModel model(seed, c.granularity);
    const DecoderWeights weights = model.weights();
    const Decoder cpu(weights);
    const cuda::Decoder decoder(weights, cuda::test_options(precision));
    const RandomFeatures features(random(), c.side);
    const Batch batch = random_batch(random, c.side, c.prompts, c.granularity, c.points);
    const auto want = cpu.decode(*cpu.prepare(features.view()), batch.prompts, {c.multimask, c.side < 64 ? std::size_t{1} : 8});
    const auto got = decoder.decode(*decoder.prepare(features.view()), batch.prompts, c.multimask);
    for (std::size_t p = 0; p < want.size(); ++p) {
      CHECK(got[p].low_res.size() == want[p].low_res.size());
      worst_score = std::max(worst_score, std::abs(double{got[p].object_score} - want[p].object_score));
      if (got[p].tokens != want[p].tokens && !c.multimask && !c.granularity) {
        ++other_choices;  // two masks of random weights whose scores or stability are a rounding apart
        continue;
      }
      CHECK(got[p].tokens == want[p].tokens);
      ++compared;
      worst = std::max(worst, relative_error(got[p].low_res, want[p].low_res));
      for (std::size_t m = 0; m < want[p].tokens.size(); ++m) {
        worst_score = std::max(worst_score, std::abs(double{got[p].predicted_iou[m]} - want[p].predicted_iou[m]));
      }
    }
  }
  std::printf("      worst relative L2 %.2e, worst score %.2e, %zu masks, %zu other choices\n", worst, worst_score, compared, other_choices);
  CHECK(compared > other_choices);
  CHECK_LE(worst, limit);
  CHECK_LE(worst_score, limit);
}

}  // namespace

TEST("agrees with the CPU decoder, float32") {
  against_cpu(Precision::float32, 1e-4, {{1, 2, 2, true, false}, {7, 3, 3, true, true}, {5, 9, 1, false, false}, {13, 1, 4, false, true}});
}

TEST("agrees with the CPU decoder, bfloat16") {
  against_cpu(Precision::bfloat16, 2e-2, {{11, 2, 3, true, false}});
}

#if defined(UNSAM_EMULATED_DEVICE)

// One multiprocessor: chunks of several tiles, with an online softmax from tile to tile, as at the official size.
TEST("agrees with the CPU decoder where a chunk has several tiles") {
  emulated::set_multiprocessors(1);
  against_cpu(Precision::float32, 1e-4, {{13, 1, 1, true, false}});
  emulated::set_multiprocessors(3);
}

#endif

TEST("agrees with the CPU decoder for as many prompts as a group has") {
  against_cpu(Precision::bfloat16, 2e-2, {{2, 64, 1, true, false}});
}

TEST("official size: one prompt and 64, float32") {
  need_gpu();
  against_cpu(Precision::float32, 1e-4, {{64, 1, 1, true, false}, {64, 64, 1, true, false}, {64, 1, 2, false, true}});
}

TEST("official size: one prompt and 64, bfloat16") {
  need_gpu();
  against_cpu(Precision::bfloat16, 2e-2, {{64, 1, 1, true, false}, {64, 64, 1, true, false}, {64, 1, 2, false, true}});
}

// Apart, for they take long where the emulated device is instrumented.
TEST("bfloat16 agrees for one pixel and in whole tiles, too") {
  against_cpu(Precision::bfloat16, 2e-2, {{1, 2, 2, false, false}, {8, 3, 2, false, true}});
}

TEST("prompts too long for shared memory are decoded, too") {
  against_cpu(Precision::float32, 1e-4, {{6, 1, 40, true, false}});
}

TEST("as many tokens as a prompt may have, and no more") {
  need_device();
  const RandomModel model(91, false);  // six output tokens
  const DecoderWeights weights = model.weights();
  const Decoder cpu(weights);
  const cuda::Decoder decoder(weights, cuda::test_options(Precision::float32));
  const RandomFeatures features(92, 1);
  test::Random random(93);
  const auto image = decoder.prepare(features.view());
  const RandomPrompt longest(random, 1, cuda::kMostTokens - 7, false, false), longer(random, 1, cuda::kMostTokens - 6, false, false);
  const Prompt prompts[] = {longest.view()}, refused[] = {longest.view(), longer.view()};
  const auto want = cpu.decode(*cpu.prepare(features.view()), prompts, {true, 1}), got = decoder.decode(*image, prompts, true);
  CHECK_LE(relative_error(got[0].low_res, want[0].low_res), 1e-4);
  CHECK_THROWS(decoder.decode(*image, refused, true), ErrorCode::bad_prompt);
}

TEST("repetition, graphs and other work leave the same bits") {
  need_device();
  const RandomModel model(7, true);
  const DecoderWeights weights = model.weights();
  const cuda::Decoder direct(weights, cuda::test_options(Precision::bfloat16, false)), recorded(weights, cuda::test_options(Precision::bfloat16, true));
  const RandomFeatures features(8, 4), other_features(9, 4);
  const auto direct_image = direct.prepare(features.view());
  const auto image = recorded.prepare(features.view()), other_image = recorded.prepare(other_features.view());
  test::Random random(10);
  const Batch batch = random_batch(random, 4, 3, true, 3);
  // The same shape with other coordinates, granularities and mask logits.
  Batch other = batch;
  for (auto& p : other.owned) {
    for (float& x : p.coords) x = 0.5f * x + 1.0f;
    if (p.granularity) *p.granularity *= 0.5f;
    for (float& x : p.mask) x = -x;
  }
  other.prompts.clear();
  for (const auto& p : other.owned) other.prompts.push_back(p.view());
  const auto want = direct.decode(*direct_image, batch.prompts, false);
  const auto want_other = direct.decode(*direct.prepare(other_features.view()), other.prompts, false);
  for (int round = 0; round < 3; ++round) {  // the first launches directly, the second records
    const auto got = recorded.decode(*image, batch.prompts, false);
    const auto got_other = recorded.decode(*other_image, other.prompts, false);
    for (std::size_t p = 0; p < want.size(); ++p) {
      CHECK(same(got[p], want[p]));
      CHECK(same(got_other[p], want_other[p]));
    }
  }
}

// As the concurrent calls of decoder_test.cpp, of another class.
TEST("one image serves concurrent calls") {
  need_device();
  const RandomModel model(31, true);
  const cuda::Decoder decoder(model.weights(), cuda::test_options(Precision::bfloat16));
  const RandomFeatures features(32, 5);
  const auto image = decoder.prepare(features.view());
  test::Random random(33);
  const Batch batch = random_batch(random, 5, 2, true, 3);
  const auto expected = decoder.decode(*image, batch.prompts, false);
  std::vector<int> equal(3, 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      equal[i] = 1;
      for (int round = 0; round < 2; ++round) {
        const auto mine = round == 1 ? decoder.prepare(features.view()) : image;
        const auto results = decoder.decode(*mine, batch.prompts, false);
        for (std::size_t p = 0; p < results.size(); ++p) equal[i] &= same(expected[p], results[p]);
      }
    });
  }
  for (auto& t : threads) t.join();
  for (const int e : equal) CHECK(e == 1);
}

TEST("out of memory is a typed error, and the decoder works on") {
  need_device();
  const RandomModel model(41, false);
  const DecoderWeights weights = model.weights();
  const RandomFeatures features(42, 4);
  test::Random random(43);
  const Batch few = random_batch(random, 4, 1, false, 2, false), many = random_batch(random, 4, 40, false, 2, false);
  std::size_t needed = 0;
  std::vector<DecodedMasks> want;
  {
    const cuda::Decoder roomy(weights, cuda::test_options(Precision::bfloat16));
    const auto image = roomy.prepare(features.view());
    want = roomy.decode(*image, few.prompts, false);
    needed = roomy.memory_bytes();
  }
  cuda::DecoderOptions tight = cuda::test_options(Precision::bfloat16);
  tight.memory_limit = needed + 65536;
  const cuda::Decoder decoder(weights, tight);
  const auto image = decoder.prepare(features.view());
  for (int round = 0; round < 2; ++round) {
    CHECK(same(decoder.decode(*image, few.prompts, false)[0], want[0]));
    CHECK_THROWS(decoder.decode(*image, many.prompts, false), ErrorCode::out_of_memory);
    CHECK_THROWS(decoder.prepare(RandomFeatures(44, 40).view()), ErrorCode::out_of_memory);
  }
  CHECK(same(decoder.decode(*image, few.prompts, false)[0], want[0]));
}

TEST("bad input gives the CPU decoder's typed errors") {
  need_device();
  const RandomModel model(51, false);
  const cuda::Decoder decoder(model.weights(), cuda::test_options(Precision::float32)), other(model.weights(), cuda::test_options(Precision::float32));
  const RandomFeatures features(52, 2);
  const auto image = decoder.prepare(features.view());
  const std::vector<float> xy{1.0f, 2.0f};
  const std::vector<std::int32_t> label{1}, wrong{4};
  const auto decode = [&](Prompt prompt) { return decoder.decode(*image, {&prompt, 1}, false); };
  using enum ErrorCode;
  CHECK(decode({xy, label, {}, {}}).size() == 1);
  CHECK(decoder.decode(*image, {}, false).empty());
  CHECK_THROWS(decode({xy, wrong, {}, {}}), bad_prompt);
  CHECK_THROWS(decode({xy, label, 0.5f, {}}), bad_prompt);
  CHECK_THROWS(other.decode(*image, {}, false), bad_option);
  ImageFeatures view = features.view();
  view.side = 3;
  CHECK_THROWS(decoder.prepare(view), bad_features);
  cuda::DecoderOptions nowhere = cuda::test_options(Precision::float32);
  nowhere.device = 99;
  CHECK_THROWS(cuda::Decoder(model.weights(), nowhere), bad_option);
}

// As in decoder_test.cpp, of another class.
TEST("features that are not numbers do not crash") {
  need_device();
  const RandomModel model(61, false);
  const cuda::Decoder decoder(model.weights(), cuda::test_options(Precision::bfloat16));
  RandomFeatures features(62, 3);
  features.embed[5] = std::numeric_limits<float>::quiet_NaN();
  features.high0[7] = std::numeric_limits<float>::infinity();
  const auto image = decoder.prepare(features.view());
  test::Random random(63);
  const RandomPrompt prompt(random, 3, 2, false, false);
  const Prompt view[] = {prompt.view()};
  CHECK(decoder.decode(*image, view, false)[0].low_res.size() == 144);
}

#if defined(UNSAM_EMULATED_DEVICE)

TEST("a call that fails on the device leaves a decoder that works") {
  const RandomModel model(71, true);
  const cuda::Decoder decoder(model.weights(), cuda::test_options(Precision::bfloat16));
  const RandomFeatures features(72, 2);
  const auto image = decoder.prepare(features.view());
  test::Random random(73);
  const Batch batch = random_batch(random, 2, 1, true, 2, false);
  const auto want = decoder.decode(*image, batch.prompts, false);
  for (const char* call : {"cudaMemcpyAsync", "cudaGraphInstantiate", "cudaGraphLaunch", "cudaStreamSynchronize"}) {
    emulated::fail(call, cudaErrorLaunchFailure, 0);
    bool threw = false;
    for (int round = 0; round < 2; ++round) {  // the first records and fails, the second launches a new plan directly
      try {
        CHECK(same(decoder.decode(*image, batch.prompts, false)[0], want[0]));
      } catch (const Error& e) {
        threw = e.code() == ErrorCode::device;
      }
    }
    CHECK(threw);
  }
  CHECK(same(decoder.decode(*image, batch.prompts, false)[0], want[0]));
}

TEST("a decoder on the second device leaves no context on the first") {
  emulated::set_device_count(2);
  emulated::forget_contexts();
  std::thread([] {
    const RandomModel model(81, true);
    std::shared_ptr<const cuda::PreparedImage> image;
    {
      cuda::DecoderOptions second = cuda::test_options(Precision::bfloat16);
      second.device = 1;
      const cuda::Decoder decoder(model.weights(), second);
      const RandomFeatures features(82, 1);
      image = decoder.prepare(features.view());
      test::Random random(83);
      const Batch batch = random_batch(random, 1, 1, true, 1, false);
      CHECK(decoder.decode(*image, batch.prompts, false).size() == 1);
    }
    std::thread([&] { image.reset(); }).join();  // outlives the decoder, and ends where no device was chosen
  }).join();
  CHECK(emulated::has_context(1));
  CHECK(!emulated::has_context(0));
  emulated::set_device_count(1);
}

TEST("nothing is left") { check_nothing_left(); }

#endif
