#include "parity_cases.h"

#include <algorithm>
#include <cmath>

#include "agreement.h"
#include "parity_files.h"
#include "test.h"

namespace parity {
namespace {

struct Points {
  std::vector<float> coords;
  std::vector<std::int32_t> labels;
};

// Box corners, clicks and the padding point in the S x S frame.
Points network_points(const json::Value& prompt, std::size_t entry, double width, double height, double side) {
  Points p;
  const auto add = [&](double x, double y, std::int32_t label) {
    p.coords.push_back(static_cast<float>(x * side / width));
    p.coords.push_back(static_cast<float>(y * side / height));
    p.labels.push_back(label);
  };
  if (!prompt["boxes"].is_null()) {
    const json::Value& box = prompt["boxes"][entry];
    add(box[0].number, box[1].number, 2);
    add(box[2].number, box[3].number, 3);
  }
  if (!prompt["points"].is_null()) {
    for (std::size_t i = 0; i < prompt["points"][entry].size(); ++i) {
      const json::Value& xy = prompt["points"][entry][i];
      add(xy[0].number, xy[1].number, static_cast<std::int32_t>(prompt["labels"][entry][i].number));
    }
  }
  if (!p.labels.empty()) add(0, 0, -1);
  return p;
}

// IoU of the masks at the photo's size: bilinear (half-pixel centres), > 0.
double mask_iou(std::span<const float> a, std::span<const float> b, std::size_t low, std::size_t width,
                std::size_t height) {
  const auto sample = [&](std::span<const float> map, std::size_t y, std::size_t x) {
    const auto axis = [&](std::size_t i, std::size_t n, std::size_t& lo, std::size_t& hi) {
      const double at = std::max(0.0, (static_cast<double>(i) + 0.5) * static_cast<double>(low) / static_cast<double>(n) - 0.5);
      lo = std::min(static_cast<std::size_t>(at), low - 1);
      hi = std::min(lo + 1, low - 1);
      return at - static_cast<double>(lo);
    };
    std::size_t y0, y1, x0, x1;
    const double fy = axis(y, height, y0, y1), fx = axis(x, width, x0, x1);
    return (1 - fy) * ((1 - fx) * map[y0 * low + x0] + fx * map[y0 * low + x1]) +
           fy * ((1 - fx) * map[y1 * low + x0] + fx * map[y1 * low + x1]);
  };
  std::size_t both = 0, any = 0;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const bool in_a = sample(a, y, x) > 0, in_b = sample(b, y, x) > 0;
      both += in_a && in_b;
      any += in_a || in_b;
    }
  }
  return any == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(any);
}

}  // namespace

void run_cases(const char* name, const std::filesystem::path& checkpoint, const std::filesystem::path& folder,
               const MakeDecoder& make_decoder, bool other_choices, Limits limits, Choice choice) {
  const Weights weights = read_weights(checkpoint);
  const PrepareImage prepare = make_decoder(unsam::DecoderWeights(weights.tensors()));
  const json::Value index = read_json(folder / "prompts.json");
  double worst_logits = 0.0, worst_iou = 0.0, worst_object = 0.0, least_overlap = 1.0;
  std::size_t cases = 0, seen = 0, without_features = 0, other_choice = 0;
  for (const json::Value& image : index["images"].array) {
    if (!image.object.contains("high_res_feats_0")) {
      for (const json::Value& c : index["cases"].array) without_features += c["image"].string == image["id"].string;
      continue;
    }
    const auto array = [&](const char* which) { return read_npy(folder / image[which]["file"].string); };
    const Array embed = array("image_embed"), high0 = array("high_res_feats_0"), high1 = array("high_res_feats_1");
    const std::size_t side = embed.shape[2], low = 4 * side;
    const auto width = static_cast<std::size_t>(image["width"].number), height = static_cast<std::size_t>(image["height"].number);
    const DecodeImage decode = prepare({side, embed.data, high0.data, high1.data});
    for (const json::Value& c : index["cases"].array) {
      if (c["image"].string != image["id"].string || seen++ % choice.every != choice.first) continue;
      const auto batch = static_cast<std::size_t>(c["batch"].number);
      Array masks;
      if (!c["mask_input"].is_null()) masks = read_npy(folder / c["mask_input"]["file"].string);
      std::vector<Points> points;
      std::vector<unsam::Prompt> prompts;
      for (std::size_t e = 0; e < batch; ++e) {
        points.push_back(network_points(c, e, static_cast<double>(width), static_cast<double>(height), static_cast<double>(16 * side)));
      }
      for (std::size_t e = 0; e < batch; ++e) {
        unsam::Prompt prompt{points[e].coords, points[e].labels, {}, {}};
        const json::Value& g = c["granularity"];
        if (!g.is_null()) prompt.granularity = static_cast<float>(g.size() > 0 ? g[e].number : g.number);
        if (!masks.data.empty()) prompt.mask_logits = std::span(masks.data).subspan(e * low * low, low * low);
        prompts.push_back(prompt);
      }
      const bool multimask = c["multimask_output"].boolean;
      const auto results = decode(prompts, multimask);
      const Array want = read_npy(folder / c["expected"]["low_res_logits"]["file"].string);
      const Array want_iou = read_npy(folder / c["expected"]["predicted_iou"]["file"].string);
      const Array want_object = read_npy(folder / c["expected"]["object_score_logits"]["file"].string);
      const std::size_t per_entry = want.shape[1];
      ++cases;
      for (std::size_t e = 0; e < batch; ++e) {
        const unsam::DecodedMasks& got = results[e];
        CHECK(got.predicted_iou.size() == per_entry);
        CHECK(got.low_res.size() == per_entry * low * low);
        bool same_choice = true;
        for (std::size_t m = 0; m < per_entry && c["expected"].object.contains("mask_tokens"); ++m) {
          same_choice &= got.tokens[m] == static_cast<std::int32_t>(c["expected"]["mask_tokens"][e][m].number);
        }
        if (!same_choice && other_choices) {
          ++other_choice;  // mask 0's stability is close to its threshold
          continue;
        }
        CHECK(same_choice);
        for (std::size_t m = 0; m < per_entry; ++m) {
          const auto logits = std::span(got.low_res).subspan(m * low * low, low * low);
          const auto reference = std::span(want.data).subspan((e * per_entry + m) * low * low, low * low);
          worst_logits = std::max(worst_logits, relative_error(logits, reference));
          worst_iou = std::max(worst_iou, std::abs(double{got.predicted_iou[m]} - want_iou.data[e * per_entry + m]));
          least_overlap = std::min(least_overlap, mask_iou(logits, reference, low, width, height));
        }
        worst_object = std::max(worst_object, std::abs(double{got.object_score} - want_object.data[e]));
      }
    }
  }
  std::printf("      %s %s: %zu cases (%zu more have no stored high-resolution features); worst relative L2 %.2e, "
              "IoU estimate %.2e, object score %.2e, least mask IoU %.5f, other choices %zu\n",
              folder.filename().c_str(), name, cases, without_features, worst_logits, worst_iou,
              worst_object, least_overlap, other_choice);
  CHECK(cases > 0);
  CHECK_LE(worst_logits, limits.logits);
  CHECK_LE(worst_iou, limits.scores);
  CHECK_LE(worst_object, limits.scores * 4);
  CHECK(least_overlap >= limits.iou);
}

}  // namespace parity
