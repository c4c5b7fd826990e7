// The upscaling to the masks of each prompt, on random inputs, against plain loops in double.
#include "pass_inputs.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

double gelu(double v) { return 0.5 * v * (1.0 + std::erf(v * std::sqrt(0.5))); }

void upscaled(const Shape& shape, bool bf16, std::vector<int> mask_slots, std::uint64_t seed) {
  need_device();
  Inputs x(shape, bf16, seed);
  Call& call = x.call;
  ConstantsView& k = call.constants;
  const auto constant = [&](const float*& at, std::size_t n, float scale) {
    Floats v = test::normal(x.random, n, scale);
    at = x.device.upload(v);
    return v;
  };
  const Floats shift = constant(k.upscale_shift, 4 * kUp1, 0.5f), gain = constant(k.upscale_norm.gain, kUp1, 1.0f),
               bias = constant(k.upscale_norm.bias, kUp1, 0.5f);
  const Floats weight = rounded_normal(x.random, 4 * kUp0 * kUp1, 0.2f);
  k.upscale1 = x.device.upload(weight, x.element);
  const Floats high1 = x.image_rows(4 * kUp1, 0.5f, call.image.high_res_1), high0 = x.image_rows(16 * kUp0, 0.5f, call.image.high_res_0);
  const std::size_t slots = shape.final_tokens.size(), prompts = x.prompts.size(), masks = mask_slots.size(), low = 4 * idx(shape.side);
  const Floats heads = test::normal(x.random, slots * prompts * kDim, 0.5f);
  call.heads = x.device.upload(heads);
  call.masks = static_cast<int>(masks);
  std::copy(mask_slots.begin(), mask_slots.end(), call.mask_slots);
  call.logits = x.device.poisoned(prompts * masks * low * low);
  call.best = reinterpret_cast<int*>(x.device.poisoned(prompts));
  for (std::size_t p = 0; p < prompts; ++p) {
    PromptView& w = call.prompt[p];
    x.attention(p, 2 * idx(w.columns));
    x.matrix(x.prompts[p].to_upscale, w.to_upscale, 4 * kUp1 * 2 * idx(w.columns), 0.3f);
  }
  upscale(bf16, x.on_device(), x.pass, x.device.get());

  const Floats got = x.device.fetch(call.logits, prompts * masks * low * low), best = x.device.fetch(call.best, prompts);
  Difference difference;
  for (std::size_t p = 0; p < prompts; ++p) {
    const PromptInputs& in = x.prompts[p];
    const std::size_t both = 2 * idx(call.prompt[p].columns);
    const float* iou = heads.data() + (prompts + p) * kDim;
    const int want_best = static_cast<int>(std::max_element(iou + 1, iou + 4) - iou);
    CHECK(std::bit_cast<int>(best[p]) == want_best);
    for (std::size_t token = 0; token < x.n; ++token) {
      for (std::size_t sub = 0; sub < 4; ++sub) {
        Numbers y(kUp1);
        double mean = 0, square = 0;
        for (std::size_t c = 0; c < kUp1; ++c) {
          const std::size_t row = sub * kUp1 + c;
          double sum = in.inverse1[token] * x.product_at(token, kUpscale + row) + shift[row];
          for (std::size_t j = 0; j < both; ++j) sum += in.to_upscale[row * both + j] * in.attention[j * x.padded + token];
          y[c] = in.inverse2[token] * sum + high1[(token * 4 + sub) * kUp1 + c];
          mean += y[c] / kUp1;
        }
        for (const double v : y) square += (v - mean) * (v - mean) / kUp1;
        for (std::size_t c = 0; c < kUp1; ++c) y[c] = gelu((y[c] - mean) / std::sqrt(square + 1e-6) * gain[c] + bias[c]);
        for (std::size_t sub0 = 0; sub0 < 4; ++sub0) {
          Numbers logits(masks, 0.0);
          for (std::size_t c = 0; c < kUp0; ++c) {
            double z = high0[((token * 4 + sub) * 4 + sub0) * kUp0 + c];
            for (std::size_t i = 0; i < kUp1; ++i) z += weight[(sub0 * kUp0 + c) * kUp1 + i] * y[i];
            for (std::size_t m = 0; m < masks; ++m) {
              const std::size_t slot = idx(mask_slots[m] < 0 ? 2 + want_best : mask_slots[m]);
              logits[m] += gelu(z) * heads[(slot * prompts + p) * kDim + c];
            }
          }
          const std::size_t row = 4 * (token / idx(shape.side)) + sub / 2 * 2 + sub0 / 2, column = 4 * (token % idx(shape.side)) + sub % 2 * 2 + sub0 % 2;
          for (std::size_t m = 0; m < masks; ++m) difference.add(got[((p * masks + m) * low + row) * low + column], logits[m]);
        }
      }
    }
  }
  CHECK_LE(difference.relative(), bf16 ? 4e-3 : 1e-5);  // bfloat16: the 64 channels are rounded once more, to 2^-9
}

}  // namespace

TEST("upscaling to the masks of each prompt") {
  upscaled({1, 1, {6}}, false, {2}, 1);
  upscaled({7, 1, {7, 13}}, false, {2}, 2);  // more columns than one batch of attention rows
  upscaled({7, 1, {9, 6}}, true, {2}, 3);
  upscaled({6, 2, {7, 6}, {0, 1, 3, 4, 5}}, true, {2, 3, 4}, 4);
  upscaled({6, 2, {6, 11}, {0, 1, 2, 3, 4, 5}}, false, {2, -1}, 5);
  upscaled({11, 2, {6, 21}}, true, {2}, 6);
}
