// libFuzzer target for what a decoder is given from JavaScript: sizes of features, tokens, labels, mask prompts, thread
// counts, in plausible and impossible combinations. Nothing may crash; what is accepted must answer with finite sizes.
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "random_model.h"

namespace {

using namespace unsam;

struct Input {
  const std::uint8_t* data;
  std::size_t size;

  std::uint8_t byte() { return size == 0 ? std::uint8_t{0} : (--size, *data++); }
  // Mostly the number expected, sometimes any other.
  std::size_t near(std::size_t expected) {
    const std::uint8_t choice = byte();
    return choice % 8 != 0 ? expected : choice % 16 == 0 || expected == 0 ? byte() : expected + byte() % 3 - 1;
  }
  // Mostly in range; also infinities, NaN and whatever else four bytes make.
  float number(float range) {
    const std::uint8_t choice = byte();
    if (choice % 8 != 0) return range * static_cast<float>(byte()) / 255.0f;
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits = bits << 8 | byte();
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  std::vector<float> numbers(std::size_t n, float range) {
    std::vector<float> list(n);
    for (float& value : list) value = number(range);
    return list;
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

struct OwnedPrompt {
  std::vector<float> coords, mask;
  std::vector<std::int32_t> labels;
  std::optional<float> granularity;
};

void run(const Decoder& decoder, Input& in) {
  const std::size_t side = in.near(1 + in.byte() % 5);
  if (side > 16) return;  // beyond that only time is to be had
  ImageFeatures features{side, {}, {}, {}};
  const std::vector<float> embed(in.near(256 * side * side), in.number(1)), high0(in.near(32 * 16 * side * side), 0.5f),
      high1(in.near(64 * 4 * side * side), in.number(1));
  features.image_embed = embed;
  features.high_res_0 = high0;
  features.high_res_1 = high1;
  const auto image = decoder.prepare(features, in.near(1) % 5);
  std::vector<OwnedPrompt> owned(in.byte() % 4);
  std::vector<Prompt> prompts;
  for (OwnedPrompt& prompt : owned) {
    const std::size_t points = in.byte() % 5;
    prompt.coords = in.numbers(in.near(2 * points), 16.0f * static_cast<float>(side));
    prompt.labels.resize(in.near(points));
    for (std::int32_t& label : prompt.labels) label = static_cast<std::int32_t>(in.near(in.byte() % 5u)) - 1;
    if (in.byte() % 2 != 0) prompt.granularity = in.number(1);
    if (in.byte() % 2 != 0) prompt.mask.assign(in.near(16 * side * side), in.number(20));
    prompts.push_back({prompt.coords, prompt.labels, prompt.granularity, prompt.mask});
  }
  const bool multimask = in.byte() % 2 != 0;
  const auto results = decoder.decode(*image, prompts, {multimask, in.near(1) % 5});
  require(results.size() == prompts.size());
  for (const DecodedMasks& masks : results) {
    require(masks.low_res.size() == masks.tokens.size() * 16 * side * side);
    require(masks.predicted_iou.size() == masks.tokens.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const RandomModel granular_model(1, true), plain_model(2, false);
  static const Decoder granular(granular_model.weights(), {Precision::float32});
  static const Decoder plain(plain_model.weights(), {Precision::float32});
  Input in{data, size};
  try {
    run(in.byte() % 2 != 0 ? granular : plain, in);
  } catch (const Error&) {
  }
  return 0;
}
