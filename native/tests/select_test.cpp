// The choice of the returned masks, on the made-up outputs of the SAM 2.1 fixture and by hand.
#include "decoder/select.h"

#include "parity_files.h"
#include "test.h"

using namespace unsam;

TEST("single mask of SAM 2: the official fall-back") {
  const auto folder = parity::shared_folder() / "parity" / "sam21-mini";
  const json::Value rules = parity::read_json(folder / "prompts.json")["rules"];
  const auto array = [&](const char* name) { return parity::read_npy(folder / rules[name]["file"].string); };
  const parity::Array all = array("mask_logits_all"), iou = array("iou_all");
  const parity::Array want = array("low_res_logits"), want_iou = array("predicted_iou");
  const std::size_t size = all.shape[2] * all.shape[3];
  for (std::size_t e = 0; e < all.shape[0]; ++e) {
    const auto needed = masks_needed(false, false, iou.data.data() + 4 * e);
    std::vector<float> logits;
    for (const std::int32_t m : needed) {
      const float* mask = all.data.data() + (4 * e + static_cast<std::size_t>(m)) * size;
      logits.insert(logits.end(), mask, mask + size);
    }
    const DecodedMasks got = choose(false, false, iou.data.data() + 4 * e, 0.5f, logits, needed);
    CHECK(got.tokens.size() == 1 && got.tokens[0] == static_cast<std::int32_t>(rules["mask_tokens"][e][0].number));
    CHECK(got.predicted_iou.size() == 1 && got.predicted_iou[0] == want_iou.data[e]);
    CHECK(std::equal(got.low_res.begin(), got.low_res.end(), want.data.begin() + static_cast<std::ptrdiff_t>(e * size)));
    CHECK(got.low_res.size() == size && got.object_score == 0.5f);
  }
}

TEST("three masks of SAM 2 keep their order and estimates") {
  const float iou[] = {0.9f, 0.1f, 0.5f, 0.3f};
  const auto needed = masks_needed(false, true, iou);
  CHECK((needed == std::vector<std::int32_t>{1, 2, 3}));
  const DecodedMasks got = choose(false, true, iou, -1.0f, {1, 2, 3}, needed);
  CHECK((got.predicted_iou == std::vector<float>{0.1f, 0.5f, 0.3f}));
  CHECK((got.low_res == std::vector<float>{1, 2, 3}));
  CHECK((got.tokens == needed));
}

TEST("UnSAMv2: always the granularity mask, its estimate from other masks") {
  const float iou[] = {0.9f, 0.1f, 0.5f, 0.3f};
  for (const bool multimask : {false, true}) {
    const auto needed = masks_needed(true, multimask, iou);
    CHECK((needed == std::vector<std::int32_t>{kGranularityMask}));
    const DecodedMasks got = choose(true, multimask, iou, 2.0f, {1, 2}, needed);
    CHECK((got.predicted_iou == std::vector<float>{multimask ? 0.5f : 0.9f}));
    CHECK((got.tokens == std::vector<std::int32_t>{kGranularityMask}));
    CHECK((tokens_read(true, multimask) == std::vector<std::size_t>{0, 1, 6}));
  }
}
