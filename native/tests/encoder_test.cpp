// The image encoder against a plain program in double, at sizes no published model has as well.
#include "unsam/encoder.h"

#include <atomic>
#include <cmath>
#include <string>

#include "agreement.h"
#include "random_encoder.h"
#include "reference/reference_encoder.h"
#include "test.h"

namespace {

using namespace unsam;

struct Named {
  const char* what;
  EncoderSizes sizes;
};

std::vector<Named> models() {
  std::vector<Named> all = {
      {"the shape of the published models", {128, 24, 1, {1, 2, 3, 2}, {8, 4, 14, 7}, {4}}},
      {"windows that do not divide their maps", {160, 12, 2, {1, 2, 3, 1}, {8, 6, 7, 4}, {4}}},
      {"odd windows, halved at the stage's end", {96, 8, 1, {2, 1, 2, 2}, {6, 5, 5, 2}, {}}},
      {"windows larger than their maps", {64, 8, 2, {1, 2, 2, 1}, {8, 14, 14, 7}, {}}},
      {"global blocks at the start of a stage and in the last", {96, 8, 1, {1, 1, 2, 3}, {8, 4, 3, 3}, {2, 4, 6}}},
      {"a stage whose window is the whole map", {64, 8, 1, {1, 1, 2, 1}, {8, 4, 0, 0}, {}}},
      {"windows too large for a cache, padded and pooled", {160, 8, 2, {1, 2, 1, 1}, {24, 18, 17, 7}, {}}},
      {"many keys: online softmax over several blocks", {128, 6, 2, {1, 1, 1, 1}, {0, 0, 0, 0}, {}}},
      {"wide heads and odd widths", {64, 70, 1, {1, 1, 1, 1}, {8, 4, 4, 2}, {1}}},
  };
  EncoderSizes other{96, 16, 2, {1, 1, 1, 1}, {4, 4, 2, 3}, {2}};
  other.width_factor = 1.5;
  other.head_factor = 1;
  other.mlp_ratio = 2.5;
  other.kernel = 5;
  other.padding = 2;
  other.norm_eps = 1e-3;
  all.push_back({"other multipliers and patch kernel", other});
  EncoderSizes odd{64, 9, 3, {1, 1, 1, 1}, {4, 4, 2, 2}, {2}};
  odd.width_factor = 1;
  odd.head_factor = 1;
  odd.mlp_ratio = 3;
  all.push_back({"odd widths that stay the same", odd});
  EncoderSizes pyramid{64, 8, 1, {1, 1, 1, 1}, {8, 4, 4, 2}, {}};
  pyramid.neck_width = 32;
  pyramid.top_down[0] = pyramid.top_down[1] = true;
  pyramid.average = true;
  pyramid.add_no_memory = false;
  all.push_back({"every level of the pyramid top-down, averaged, no memory embedding", pyramid});
  return all;
}

bool near(const EncodedFeatures& found, const test::ReferenceFeatures& expected, double tolerance, const char* what) {
  const double errors[3] = {relative_error(found.image_embed, expected.image_embed),
                            relative_error(found.high_res_0, expected.high_res_0),
                            relative_error(found.high_res_1, expected.high_res_1)};
  bool good = true;
  for (const double error : errors) good = good && error < tolerance;
  std::printf("      %s: %.1e %.1e %.1e\n", what, errors[0], errors[1], errors[2]);
  return good;
}

bool same(const EncodedFeatures& a, const EncodedFeatures& b) {
  return a.image_embed == b.image_embed && a.high_res_0 == b.high_res_0 && a.high_res_1 == b.high_res_1;
}

}  // namespace

TEST("float32 agrees with double loops to 5e-6, bfloat16 to 2e-2, for any number of threads") {
  for (const auto& [what, sizes] : models()) {
    const RandomEncoder model(7, plan_of(sizes));
    const std::vector<float> pixels = model.pixels(8);
    const test::ReferenceFeatures expected = test::reference_encode(model, pixels);
    const auto exact = model.make(Precision::float32), rounded = model.make(Precision::bfloat16);
    const EncodedFeatures one = *exact->encode(pixels, {.threads = 1});
    CHECK(near(one, expected, 5e-6, what));
    const EncodedFeatures half = *rounded->encode(pixels, {.threads = 1});
    CHECK(near(half, expected, 2e-2, "bfloat16"));
    for (const std::size_t threads : {2, 3, 8}) {
      CHECK(same(one, *exact->encode(pixels, {.threads = threads})));
      CHECK(same(half, *rounded->encode(pixels, {.threads = threads})));
    }
  }
}

TEST("a cancelled call returns nothing, and the next one works") {
  const RandomEncoder model(1, plan_of(models()[0].sizes));
  const auto encoder = model.make(Precision::float32);
  std::atomic<int> left{5};  // cancelled in the midst of it, from the sixth question on
  const auto cancelled = [&] { return left.fetch_sub(1) <= 0; };
  CHECK(!encoder->encode(model.pixels(2), {.threads = 2, .cancelled = cancelled}).has_value());
  left = 1 << 30;
  CHECK(encoder->encode(model.pixels(2), {.threads = 2, .cancelled = cancelled}).has_value());
}

TEST("a photo of the network's own size is only normalised") {
  const RandomEncoder model(1, plan_of({64, 8, 1, {1, 1, 1, 1}, {8, 4, 4, 2}, {}}));
  const auto encoder = model.make(Precision::float32);
  std::vector<std::uint8_t> bytes(3 * 64 * 64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 % 251);
  const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
  std::vector<float> pixels(bytes.size());
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 64 * 64; ++i) {
      pixels[c * 64 * 64 + i] = static_cast<float>((bytes[3 * i + c] / 255.0 - mean[c]) / deviation[c]);
    }
  }
  const EncodedFeatures found = *encoder->encode(PhotoView{64, 64, bytes}, {.threads = 2});
  const EncodedFeatures expected = *encoder->encode(pixels, {.threads = 2});
  CHECK(relative_error(found.image_embed, std::vector<double>(expected.image_embed.begin(), expected.image_embed.end())) < 1e-5);
}

TEST("what does not fit is named") {
  const EncoderSizes sizes{64, 8, 1, {1, 1, 1, 1}, {8, 4, 4, 2}, {}};
  const RandomEncoder model(1, plan_of(sizes));
  const auto encoder = model.make(Precision::float32);
  CHECK(refusal([&] { encoder->encode(std::vector<float>(5), {}); }).find("has 5 values") != std::string::npos);
  CHECK(refusal([&] { encoder->encode(PhotoView{3, 3, {}}, {}); }).find("0 bytes where 3 x 3") != std::string::npos);
  CHECK(refusal([&] { encoder->encode(model.pixels(1), {.threads = 0}); }).find("number of threads is 0") != std::string::npos);
  const std::string matrix = "image_encoder.trunk.blocks.0.attn.qkv.weight";
  CHECK(refusal([&] { encoder->load(matrix, model.view(matrix)); }).find("loaded already") != std::string::npos);
  CHECK(refusal([&] { encoder->load("x", model.view(matrix)); }).find("no matrix \"x\"") != std::string::npos);
  TensorMap vectors;
  for (const auto& [name, data] : model.values) vectors.emplace(name, model.view(name));
  ImageEncoder empty(model.plan, vectors);
  CHECK(refusal([&] { empty.encode(model.pixels(1), {}); }).find("was not loaded") != std::string::npos);
  CHECK(refusal([&] { empty.load(matrix, model.view("no_mem_embed")); }).find("has shape [1, 1, 256]") != std::string::npos);
  TensorMap without = vectors;
  without.erase("image_encoder.trunk.blocks.2.norm1.bias");
  CHECK(refusal([&] { ImageEncoder(model.plan, without); }).find("lack the tensor") != std::string::npos);
  const auto plan_refusal = [&](auto change) {
    EncoderPlan plan = model.plan;
    change(plan);
    return refusal([&] { ImageEncoder(plan, vectors); });
  };
  CHECK(plan_refusal([](EncoderPlan& p) { p.image_size = 65; }).find("image_size is 65") != std::string::npos);
  CHECK(plan_refusal([](EncoderPlan& p) { p.blocks[0].heads = 3; }).find("3 heads") != std::string::npos);
  CHECK(plan_refusal([](EncoderPlan& p) { p.blocks.pop_back(); }).find("of its blocks pool") != std::string::npos);
  CHECK(plan_refusal([](EncoderPlan& p) { p.blocks[1].window = 1; }).find("cannot be halved") != std::string::npos);
  CHECK(plan_refusal([](EncoderPlan& p) { p.patch_kernel[1] = 20; }).find("patch kernel of 20") != std::string::npos);
  CHECK(plan_refusal([](EncoderPlan& p) { p.blocks[0].width = 16; }).find("without pooling") != std::string::npos);
}
