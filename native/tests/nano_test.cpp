// The network of the nano model against plain loops in double, at sizes that no published model has as well.
#include "unsam/nano.h"

#include <atomic>
#include <cmath>
#include <string>
#include <thread>

#include "agreement.h"
#include "encoder/cpu/kernels.h"
#include "random_nano.h"
#include "reference/reference_nano.h"
#include "test.h"

namespace {

using namespace unsam;

struct Named {
  const char* what;
  NanoSizes sizes;
  std::size_t width, height;
};

std::vector<Named> models() {
  const NanoSizes small = {{8, 8}, {16, 24, 32, 40}, {1, 1, 1, 1}, {16, 24, 32, 40}, {8, 16, 16, 24}, {8, 16, 16, 24}, 4};
  return {
      {"the published model", published_nano(), 64, 32},
      {"the smallest image", small, 32, 32},
      {"a wide image", small, 224, 32},
      {"a high image, several items of each layer", small, 32, 320},
      {"no blocks, one channel everywhere", {{1, 1}, {1, 1, 1, 1}, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, 1}, 64, 64},
      {"odd widths that differ everywhere", {{5, 7}, {13, 51, 49, 97}, {2, 1, 0, 1}, {3, 50, 1, 101}, {9, 17, 33, 65}, {6, 3, 31, 47}, 19}, 96, 64},
  };
}

bool same(const NanoCues& a, const NanoCues& b) { return a.border == b.border && a.height == b.height && a.metric == b.metric; }

}  // namespace

TEST("the cues agree with double loops to 2e-6, for any number of threads") {
  for (const auto& [what, sizes, width, height] : models()) {
    const RandomNano model(3, sizes);
    const std::vector<float> pixels = RandomNano::pixels(4, width, height);
    const test::ReferenceCues expected = test::reference_nano(model, pixels, width, height);
    const NanoEncoder encoder(model.tensors());
    const NanoInput input{width, height, pixels};
    const NanoCues one = *encoder.encode(input, {.threads = 1});
    CHECK(one.columns == width / 2 && one.rows == height / 2 && one.dimensions == sizes.metric);
    const double errors[3] = {relative_error(one.border, expected.border), relative_error(one.height, expected.height),
                              relative_error(one.metric, expected.metric)};
    std::printf("      %s: %.1e %.1e %.1e\n", what, errors[0], errors[1], errors[2]);
    for (const double error : errors) CHECK_LE(error, 2e-6);
    for (const std::size_t threads : {2, 3, 8}) CHECK(same(one, *encoder.encode(input, {.threads = threads})));
  }
}

TEST("calls side by side share the weights and nothing else") {
  const RandomNano model(5, models()[1].sizes);
  const NanoEncoder encoder(model.tensors());
  const std::vector<float> pixels = RandomNano::pixels(6, 96, 64);
  const NanoCues alone = *encoder.encode({96, 64, pixels}, {.threads = 1});
  std::vector<NanoCues> found(4);
  std::vector<std::thread> callers;
  for (NanoCues& cues : found) callers.emplace_back([&] { cues = *encoder.encode({96, 64, pixels}, {.threads = 2}); });
  for (std::thread& caller : callers) caller.join();
  for (const NanoCues& cues : found) CHECK(same(alone, cues));
}

TEST("a cancelled call returns nothing, and the next one works") {
  const RandomNano model(1, models()[1].sizes);
  const NanoEncoder encoder(model.tensors());
  const std::vector<float> pixels = RandomNano::pixels(2, 64, 64);
  std::atomic<int> left{0}, asked{0};
  const auto cancelled = [&] {
    ++asked;
    return left.fetch_sub(1) <= 0;
  };
  left = 1 << 30;
  CHECK(encoder.encode({64, 64, pixels}, {.threads = 2, .cancelled = cancelled}).has_value());
  const int questions = asked;
  for (const int after : {0, 5, questions / 2, questions - 1}) {
    left = after;
    CHECK(!encoder.encode({64, 64, pixels}, {.threads = 2, .cancelled = cancelled}).has_value());
  }
  left = 1 << 30;
  CHECK(encoder.encode({64, 64, pixels}, {.threads = 2, .cancelled = cancelled}).has_value());
}

TEST("the sigmoid is one over its whole range") {
  std::vector<float> x = {-1e30f, -200, -88, -30, -1, -1e-6f, 0, 1e-6f, 1, 30, 88, 200, 1e30f, 3, -3, 0.5f, -0.5f, 17, NAN};
  const std::vector<float> given = x;
  encoder::kernels().sigmoid(x.size(), x.data());
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    CHECK_LE(std::fabs(x[i] - 1 / (1 + std::exp(-static_cast<double>(given[i])))), 2e-7);
  }
  CHECK(std::isnan(x.back()));
}

TEST("what does not fit is named") {
  const RandomNano model(1, models()[1].sizes);
  const TensorMap tensors = model.tensors();
  const NanoEncoder encoder(tensors);
  const std::vector<float> pixels = RandomNano::pixels(1, 32, 32);
  CHECK(refusal([&] { encoder.encode({32, 32, pixels}, {.threads = 0}); }).find("number of threads is 0") != std::string::npos);
  CHECK(refusal([&] { encoder.encode({32, 31, pixels}, {}); }).find("32 x 31 pixels") != std::string::npos);
  CHECK(refusal([&] { encoder.encode({0, 32, {}}, {}); }).find("0 x 32 pixels") != std::string::npos);
  CHECK(refusal([&] { encoder.encode({8192, 32, pixels}, {}); }).find("up to 4096") != std::string::npos);
  CHECK(refusal([&] { encoder.encode({64, 32, pixels}, {}); }).find("has 4096 values") != std::string::npos);
  const auto tensor_refusal = [&](const char* name, auto change) {
    TensorMap changed = tensors;
    change(changed, changed.find(name)->second);
    return refusal([&] { NanoEncoder of(changed); });
  };
  const auto missing = [&](const char* name) {
    return tensor_refusal(name, [&](TensorMap& all, TensorView&) { all.erase(name); });
  };
  CHECK(missing("stem.0.weight").find("lack the tensor \"stem.0.weight\"") != std::string::npos);
  CHECK(missing("stages.2.1.second.bias").find("\"stages.2.1.second.bias\"") != std::string::npos);
  CHECK(missing("colour.weight").find("\"colour.weight\"") != std::string::npos);
  CHECK(tensor_refusal("stem.1.weight", [](TensorMap&, TensorView& t) { t.shape[1] = 9; }).find("where the nano model needs [8, 8, 3, 3]") !=
        std::string::npos);
  CHECK(tensor_refusal("top.weight", [](TensorMap&, TensorView& t) { t.data = t.data.first(3); }).find("3 values") != std::string::npos);
  CHECK(tensor_refusal("metric.bias", [](TensorMap&, TensorView& t) { t.shape = {std::size_t{1} << 60}; }).find("1 to 4096") !=
        std::string::npos);
  CHECK(tensor_refusal("metric.bias", [](TensorMap&, TensorView& t) { t.shape = {0}; t.data = {}; }).find("1 to 4096") != std::string::npos);
  // Each fits by itself, and not beside the others.
  const auto narrower = [&](const std::string& name) {
    TensorMap changed = tensors;
    TensorView &weight = changed.at(name + ".weight"), &bias = changed.at(name + ".bias");
    const std::size_t inputs = weight.data.size() / weight.shape[0], n = weight.shape[0] - 1;
    weight = {weight.data.first(n * inputs), {n, weight.shape[1], weight.shape[2], weight.shape[3]}};
    bias = {bias.data.first(n), {n}};
    return refusal([&] { NanoEncoder of(changed); });
  };
  CHECK(narrower("stages.1.1.second").find("puts out 23 channels where its shortcut has 24") != std::string::npos);
  CHECK(narrower("reduce.1").find("\"lateral.1\" has 16") != std::string::npos);
  CHECK(narrower("boundary").find("a border and its height") != std::string::npos);
  CHECK(narrower("colour").find("differ in their channels") != std::string::npos);
}
