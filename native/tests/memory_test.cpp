// Memory attention and memory encoder against plain loops in double, at sizes that no published model has as well.
#include "unsam/memory.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "agreement.h"
#include "random_memory.h"
#include "reference/reference_memory.h"
#include "test.h"

namespace {

using namespace unsam;

struct Named {
  const char* what;
  MemoryPlan plan;
  std::size_t frames, tokens;
};

std::vector<Named> models() {
  return {
      {"the sizes of the parity set", {128, 256, 64, 2, 128, 10000, 2, 64, true}, 2, 8},
      {"the smallest map, no pointer", {16, 4, 4, 1, 1, 10000, 1, 1, false}, 1, 0},
      {"pointers alone", {32, 16, 8, 1, 24, 100, 1, 8, true}, 0, 3},
      {"an odd side, odd widths, many keys", {208, 20, 12, 2, 75, 1000, 3, 49, true}, 3, 5},
      {"more channels of memories than of features", {112, 36, 52, 1, 600, 10000, 1, 700, true}, 1, 1},
  };
}

std::vector<float> features_of(const MemoryPlan& plan, std::uint64_t seed) {
  const std::size_t side = plan.image_size / 16;
  return normal_values(seed, plan.width * side * side);
}

// As a mask is given: mostly -10 or 10.
std::vector<float> mask_of(const MemoryPlan& plan, std::uint64_t seed) {
  std::vector<float> mask = normal_values(seed, plan.image_size * plan.image_size, 20.0f);
  for (float& x : mask) x = std::clamp(x, -10.0f, 10.0f);
  return mask;
}

// A small network with what both of its calls take.
struct Small {
  MemoryPlan plan = models()[3].plan;
  RandomMemory random{5, plan};
  MemoryNetwork network{plan, random.tensors()};
  std::vector<float> features = features_of(plan, 1), mask = mask_of(plan, 2);
  RandomFeed feed{3, plan, 2, 4};

  auto attend(const MemoryOptions& options) const { return network.attend(features, feed.view(), options); }
  auto remember(const MemoryOptions& options) const { return network.remember(features, mask, true, options); }
};

}  // namespace

TEST("features in the light of memories agree with double loops to 3e-6, for any number of threads") {
  for (const Named& model : models()) {
    const RandomMemory random(3, model.plan);
    const std::vector<float> features = features_of(model.plan, 4);
    const RandomFeed feed(5, model.plan, model.frames, model.tokens);
    const MemoryNetwork network(model.plan, random.tensors());
    const std::vector<float> one = *network.attend(features, feed.view(), {.threads = 1});
    const double error = relative_error(one, test::reference_attention(random, features, feed));
    std::printf("      %s: %.1e\n", model.what, error);
    CHECK_LE(error, 3e-6);
    for (const std::size_t threads : {2, 3, 8}) CHECK(one == *network.attend(features, feed.view(), {.threads = threads}));
  }
}

TEST("memories agree with double loops to 3e-6, for any number of threads") {
  for (const Named& model : models()) {
    const RandomMemory random(6, model.plan);
    const std::vector<float> features = features_of(model.plan, 7), mask = mask_of(model.plan, 8);
    const MemoryNetwork network(model.plan, random.tensors());
    for (const bool absent : {false, true}) {
      const std::vector<float> one = *network.remember(features, mask, absent, {.threads = 1});
      const double error = relative_error(one, test::reference_memory(random, features, mask, absent));
      std::printf("      %s: %.1e\n", model.what, error);
      CHECK_LE(error, 3e-6);
      for (const std::size_t threads : {2, 3, 8}) CHECK(one == *network.remember(features, mask, absent, {.threads = threads}));
    }
  }
}

TEST("calls side by side share the weights and nothing else") {
  const Small small;
  const auto attended = *small.attend({}), remembered = *small.remember({});
  std::vector<std::vector<float>> found(4);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < found.size(); ++i) {
    callers.emplace_back([&, i] {
      found[i] = i % 2 == 0 ? *small.attend({.threads = 2}) : *small.remember({.threads = 2});
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == (i % 2 == 0 ? attended : remembered));
}

TEST("a cancelled call returns nothing, and the next one works") {
  const Small small;
  std::atomic<int> left{0}, asked{0};
  const MemoryOptions options{.threads = 2, .cancelled = [&] {
                                ++asked;
                                return left.fetch_sub(1) <= 0;
                              }};
  const auto check = [&](const auto& call) {
    left = 1 << 30;
    asked = 0;
    const auto whole = call();
    CHECK(whole.has_value());
    const int questions = asked;
    for (const int after : {0, 5, questions / 2, questions - 1}) {
      left = after;
      CHECK(!call().has_value());
    }
    left = 1 << 30;
    CHECK(call() == whole);
  };
  check([&] { return small.attend(options); });
  check([&] { return small.remember(options); });
}

TEST("what does not fit is named") {
  const MemoryPlan plan = models()[2].plan;
  const RandomMemory random(1, plan);
  const TensorMap tensors = random.tensors();
  const MemoryNetwork network(plan, tensors);
  const std::vector<float> features = features_of(plan, 1), mask = mask_of(plan, 2);
  const RandomFeed feed(3, plan, 1, 2);
  const auto refused = [](const std::string& said, const char* what) {
    if (said.find(what) == std::string::npos) test::fail(__FILE__, __LINE__, said + " does not say: " + what);
  };
  const auto attend = [&](const MemoryFeed& given, std::size_t threads = 1) {
    return refusal([&] { network.attend(features, given, {.threads = threads}); });
  };
  refused(attend(feed.view(), 0), "number of threads is 0");
  refused(attend({}), "reads 0 tokens");
  MemoryFeed bad = feed.view();
  bad.memory = bad.memory.first(7);
  refused(attend(bad), "The memories have 7 values");
  bad = feed.view();
  bad.times = {};
  refused(attend(bad), "The times of the memories have 0 values where there must be 8");
  bad = feed.view();
  bad.pointers = bad.pointers.first(9);
  refused(attend(bad), "The pointers have 9 values");
  bad = feed.view();
  bad.pointer_times = {};
  refused(attend(bad), "The times of the pointers have 0 values");
  refused(refusal([&] { network.attend(mask, feed.view(), {}); }), "The features have 1024 values where there must be 64");
  refused(refusal([&] { network.remember(features, features, false, {}); }), "The mask's pixels have 64 values");
  const auto plan_refusal = [&](auto change) {
    MemoryPlan changed = plan;
    change(changed);
    return refusal([&] { MemoryNetwork of(changed, tensors); });
  };
  refused(plan_refusal([](MemoryPlan& p) { p.image_size = 40; }), "imageSize is 40");
  refused(plan_refusal([](MemoryPlan& p) { p.width = 18; }), "width is 18");
  refused(plan_refusal([](MemoryPlan& p) { p.memory_width = std::size_t{1} << 62; }), "memoryWidth is");
  refused(plan_refusal([](MemoryPlan& p) { p.layers = 65; }), "attentionLayers is 65");
  refused(plan_refusal([](MemoryPlan& p) { p.rope_theta = 0; }), "ropeTheta");
  refused(plan_refusal([](MemoryPlan& p) { p.layers = 2; }), "lack the tensor \"memory_attention.layers.1.norm1.weight\"");
  refused(plan_refusal([](MemoryPlan& p) { p.feed_forward = 25; }), "where the memory needs [25, 16]");
  TensorMap fewer = tensors;
  fewer.find("no_obj_embed_spatial")->second.data = {};
  refused(refusal([&] { MemoryNetwork of(plan, fewer); }), "0 values where the memory needs [1, 8]");
}
