// Plans serve every batch within their capacity: an added click finds the plan of the last one, and what a batch leaves empty in its
// plan leaves no trace in the bits of its answers. And logits that stay on the device.
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>

#include "cuda_test.h"
#include "decoder/cuda/workspace.h"
#include "decoder_options.h"
#include "random_model.h"
#include "same_decoding.h"
#include "unsam/cuda_fusion.h"

namespace {

using namespace unsam;

// Decoders of one model, one of which has decoded before whatever the test likes.
struct Scene {
  Scene(std::size_t side_, bool granularity_, Precision precision_ = Precision::bfloat16)
      : side(side_), granularity(granularity_), precision(precision_), model(5, granularity_), features(6, side_), random(7) {
    decoder = std::make_unique<cuda::Decoder>(model.weights(), cuda::test_options(precision));
    image = decoder->prepare(features.view());
  }
  RandomPrompt prompt(std::size_t points, bool mask = false) { return {random, side, points, granularity, mask}; }
  std::vector<DecodedMasks> decode(std::initializer_list<const RandomPrompt*> list, bool multimask = false) {
    return decoder->decode(*image, views(list), multimask);
  }
  // By a decoder that has decoded nothing else.
  std::vector<DecodedMasks> decode_alone(std::initializer_list<const RandomPrompt*> list, bool multimask = false) const {
    const cuda::Decoder fresh(model.weights(), cuda::test_options(precision));
    return fresh.decode(*fresh.prepare(features.view()), views(list), multimask);
  }
  static std::vector<Prompt> views(std::initializer_list<const RandomPrompt*> list) {
    std::vector<Prompt> prompts;
    for (const RandomPrompt* p : list) prompts.push_back(p->view());
    return prompts;
  }

  std::size_t side;
  bool granularity;
  Precision precision;
  RandomModel model;
  RandomFeatures features;
  test::Random random;
  std::unique_ptr<cuda::Decoder> decoder;
  std::shared_ptr<const cuda::PreparedImage> image;
};

void no_trace(bool granularity, Precision precision) {
  need_device();
  Scene scene(3, granularity, precision);
  const RandomPrompt a = scene.prompt(1), b = scene.prompt(3), c = scene.prompt(2, true), d = scene.prompt(4), longer = scene.prompt(14),
                     masked = scene.prompt(2, true);
  // Three prompts where four have been, and the other way round; the second round replays a graph.
  const auto four = scene.decode_alone({&a, &b, &c, &d});
  for (int round = 0; round < 2; ++round) {
    const auto full = scene.decode({&a, &b, &c, &d}), three = scene.decode({&a, &b, &c});
    for (std::size_t p = 0; p < 4; ++p) CHECK(same(full[p], four[p]));
    for (std::size_t p = 0; p < 3; ++p) CHECK(same(three[p], four[p]));
  }
  // Beside a short prompt, a long one and one with a mask, in plans of different sizes.
  const auto beside_short = scene.decode({&a, &b}), beside_long = scene.decode({&a, &longer}), beside_mask = scene.decode({&a, &masked});
  CHECK(same(beside_short[0], beside_long[0]));
  CHECK(same(beside_short[0], beside_mask[0]));
  CHECK(same(beside_short[0], scene.decode_alone({&a, &d})[0]));
}

void stays_there(bool granularity, bool multimask) {
  need_device();
  Scene scene(2, granularity);
  std::vector<RandomPrompt> owned;
  std::vector<Prompt> prompts;
  for (std::size_t i = 0; i < 5; ++i) owned.push_back(scene.prompt(1 + i % 3, i == 2));
  for (const RandomPrompt& p : owned) prompts.push_back(p.view());
  for (int round = 0; round < 2; ++round) {
    const auto want = scene.decoder->decode(*scene.image, prompts, multimask);
#if defined(UNSAM_EMULATED_DEVICE)
    const std::size_t before = emulated::bytes_to_host();
#endif
    const auto there = scene.decoder->decode_on_device(*scene.image, prompts, multimask);
    const std::size_t each = want[0].tokens.size(), pixels = there->side() * there->side();
#if defined(UNSAM_EMULATED_DEVICE)
    // The heads' outputs and a choice for each place, no logits.
    CHECK_LE(emulated::bytes_to_host() - before, std::size_t{8 * (6 * 256 * sizeof(float) + 2 * sizeof(int)) + 1024});
#endif
    CHECK(there->side() == 8 && there->maps() == each * prompts.size());
    std::vector<float> all;
    std::vector<double> scores, levels;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      DecodedMasks got = there->results()[p];
      CHECK(got.low_res.empty());
      got.low_res = there->low_res(p);
      CHECK(same(got, want[p]));
      all.insert(all.end(), got.low_res.begin(), got.low_res.end());
      for (std::size_t m = 0; m < each; ++m) scores.push_back(got.predicted_iou[std::min(m, got.predicted_iou.size() - 1)]);
    }
    CHECK_THROWS(there->low_res(prompts.size()), ErrorCode::bad_option);
    levels.assign(scores.size(), 0.5);
    // Fusion reads them where they are.
    const cuda::Fusion fusion;
    const auto scene_there = fusion.fuse_logits(cuda::DeviceLogitMaps{there->maps(), 8, 8, there->logits()}, scores, levels, {});
    const auto scene_here = fusion.fuse_logits(LogitMaps{all.size() / pixels, 8, 8, all}, scores, levels, {});
    CHECK(scene_there.kept == scene_here.kept);
    CHECK(scene_there.finest == scene_here.finest);
  }
}

}  // namespace

TEST("what a batch leaves empty leaves no trace: granularity, bfloat16") { no_trace(true, Precision::bfloat16); }
TEST("logits stay on the device until somebody asks: three masks") { stays_there(false, true); }

#if !defined(UNSAM_EMULATED_DEVICE)  // the emulated device takes ten seconds for each of them
TEST("what a batch leaves empty leaves no trace: plain, float32") { no_trace(false, Precision::float32); }
TEST("logits stay on the device until somebody asks: granularity") { stays_there(true, false); }
TEST("logits stay on the device until somebody asks: one of two masks") { stays_there(false, false); }
#endif

TEST("no prompts are no maps") {
  need_device();
  Scene scene(1, true);
  const auto none = scene.decoder->decode_on_device(*scene.image, {}, false);
  CHECK(none->maps() == 0 && none->results().empty());
}

TEST("a workspace holds all prompts that its capacity allows") {
  test::Random random(11);
  for (int round = 0; round < 2000; ++round) {
    const cuda::WorkspaceSizes sizes{32 * (1 + random() % 128), 1 + random() % 128, random() % 2 == 0 ? std::size_t{2} : 4, 3 + random() % 4};
    const std::size_t prompts = 1 + random() % 64, most = 6 + random() % 123;
    cuda::Capacity capacity{1, false, static_cast<int>(prompts), 6, 0, 0};
    cuda::PromptView unused{};
    cuda::Placer at{nullptr};
    for (std::size_t p = 0; p < prompts; ++p) {
      const std::size_t tokens = round % 3 == 0 ? most : 6 + random() % (most - 5);
      cuda::place_prompt(unused, tokens, sizes, at);
      if (random() % 3 == 0) {
        cuda::place_mask(unused, sizes, at);
        ++capacity.masks;
      }
      capacity.tokens = std::max(capacity.tokens, static_cast<int>(tokens));
      capacity.rows += static_cast<int>(tokens);
    }
    CHECK_LE(at.size, cuda::workspace_bytes(capacity, sizes));
  }
}

#if defined(UNSAM_EMULATED_DEVICE)

TEST("an added click takes the plan of the last one") {
  Scene scene(1, true);
  std::vector<RandomPrompt> clicks;
  for (std::size_t points = 1; points <= 9; ++points) clicks.push_back(scene.prompt(points));
  const std::size_t before = emulated::streams_made();
  std::vector<std::vector<DecodedMasks>> got;
  for (const RandomPrompt& click : clicks) got.push_back(scene.decode({&click}));
  CHECK_LE(emulated::streams_made() - before, std::size_t{3});  // 12, 16 and 24 tokens
  for (std::size_t i = 0; i < clicks.size(); i += 4) {
    CHECK(same(got[i][0], scene.decode_alone({&clicks[i]})[0]));
  }
}

TEST("a plan that is given up for another is destroyed while others decode") {
  Scene scene(1, false);
  std::vector<RandomPrompt> prompts;
  for (const bool mask : {false, true}) {
    for (const std::size_t points : {1u, 4u, 8u, 14u, 22u}) prompts.push_back(scene.prompt(points, mask));  // 10 capacities
  }
  const auto want = scene.decode({&prompts[9]});
  bool meanwhile = false;
  emulated::before_stream_destroy([&] {
    auto other = std::async(std::launch::async, [&] { return scene.decode({&prompts[9]}); });
    if (other.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
      std::fprintf(stderr, "decoding waits for a plan to be destroyed\n");
      std::_Exit(1);  // it would wait for ever
    }
    meanwhile = same(other.get()[0], want[0]);
  });
  for (const RandomPrompt& prompt : prompts) CHECK(scene.decode({&prompt}).size() == 1);
  CHECK(meanwhile);
}

TEST("nothing is left") { check_nothing_left(); }

#endif
