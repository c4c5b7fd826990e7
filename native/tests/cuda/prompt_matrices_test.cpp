// The small matrices of each prompt and the merging of chunks against plain loops in double.
#include "decoder/cuda/prompt_matrices.h"

#include <algorithm>

#include "kernel_arrays.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

using Numbers = std::vector<double>;

// Prompts of unequal length with random token rows.
struct Prompts {
  Prompts(KernelArrays& arrays, std::uint64_t seed, std::vector<int> lengths, std::vector<int> final_tokens)
      : device(arrays), random(seed), tokens(std::move(lengths)) {
    std::memset(static_cast<void*>(&call), 0, sizeof call);
    call.prompts = static_cast<int>(tokens.size());
    call.final_count = static_cast<int>(final_tokens.size());
    std::copy(final_tokens.begin(), final_tokens.end(), call.final_tokens);
    for (std::size_t p = 0; p < tokens.size(); ++p) {
      call.prompt[p].tokens = tokens[p];
      call.prompt[p].columns = 8 * tokens[p];
      call.prompt[p].first_row = call.rows;
      call.rows += tokens[p];
    }
    most = *std::max_element(tokens.begin(), tokens.end());
    const auto rows = static_cast<std::size_t>(call.rows);
    for (auto* v : {&query, &key, &value1, &value2}) *v = test::normal(random, rows * kInner, 0.5f);
    call.query = device.upload(query);
    call.key = device.upload(key);
    call.value1 = device.upload(value1);
    call.value2 = device.upload(value2);
  }
  const Call* on_device() { return device.upload(std::span<const Call>(&call, 1)); }
  std::vector<float> constant(const float*& at, std::size_t n, float scale = 0.25f) {
    std::vector<float> v = test::normal(random, n, scale);
    at = device.upload(v);
    return v;
  }

  KernelArrays& device;
  test::Random random;
  const std::vector<int> tokens;
  int most = 0;
  Call call;
  std::vector<float> query, key, value1, value2;
};

double dot16(const float* a, const float* b) {
  double sum = 0;
  for (std::size_t d = 0; d < kHeadDim; ++d) sum += double{a[d]} * b[d];
  return sum;
}

// R[c][128] = W_h v_c for the two panels from `panel` on; column c is head h, token c mod T.
Numbers expand(const std::vector<float>& map, std::size_t panel, const std::vector<float>& value, std::size_t first, std::size_t t) {
  Numbers r(8 * t * kInner, 0.0);
  for (std::size_t c = 0; c < 8 * t; ++c) {
    for (std::size_t row = 0; row < kInner; ++row) {
      for (std::size_t d = 0; d < kHeadDim; ++d) {
        const std::size_t in = c / t * kHeadDim + d;
        r[c * kInner + row] += double{value[(first + c % t) * kInner + in]} * map[((panel + row / 64) * kInner + in) * 64 + row % 64];
      }
    }
  }
  return r;
}

// (c', c) = left of column c' in its head . R[c]; `index`: which rows of left stand for its tokens.
double score(const std::vector<float>& left, std::size_t first, const std::vector<std::size_t>& index, std::size_t row, const Numbers& r,
             std::size_t c) {
  const std::size_t head = row / index.size() * kHeadDim, token = first + index[row % index.size()];
  double sum = 0;
  for (std::size_t d = 0; d < kHeadDim; ++d) sum += left[token * kInner + head + d] * r[c * kInner + head + d];
  return sum;
}

void poison_matrices(PromptView& w, std::size_t c, std::size_t cf, KernelArrays& device, Format format) {
  w.gram1 = device.poisoned(c * c, format);
  w.to_score1 = device.poisoned(c * c, format);
  w.to_query1 = device.poisoned(c * c, format);
  w.gram12 = device.poisoned(4 * c * c, format);
  w.to_score_final = device.poisoned(cf * 2 * c, format);
  w.to_upscale = device.poisoned(4 * kUp1 * 2 * c, format);
  w.linear12 = device.poisoned(2 * c);
  w.query1_shift = device.poisoned(c);
  w.score_shift = device.poisoned(cf);
  for (float** to : {&w.to_value1, &w.to_value_final1, &w.to_value_final2}) *to = device.poisoned(c * kInner);
}

// After both layers: the operands of the passes, bit for bit.
void check_split(Prompts& x) {
  const Call& call = x.call;
  for (const auto& [from, to] : {std::pair(&x.query, call.split_query), {&x.key, call.split_key}, {&x.value1, call.split_value1},
                                 {&x.value2, call.split_value2}}) {
    const std::vector<std::uint16_t> want = split_parts(*from);
    const std::vector<float> got = x.device.fetch(to, want.size(), Format::bfloat16);
    for (std::size_t i = 0; i < want.size(); ++i) CHECK(std::bit_cast<std::uint32_t>(got[i]) == std::uint32_t{want[i]} << 16);
  }
}

void matrices(bool bf16, std::vector<int> tokens, std::vector<int> final_tokens, std::uint64_t seed) {
  need_device();
  KernelArrays device(seed);
  Prompts x(device, seed, tokens, final_tokens);
  Call& call = x.call;
  ConstantsView& k = call.constants;
  const auto map1 = x.constant(k.from_value1, kFromValue1Panels * kInner * 64), map2 = x.constant(k.from_value2, kFromValue2Panels * kInner * 64);
  const auto beta1 = x.constant(k.beta_value1, kInner), beta2 = x.constant(k.beta_value2, kInner);
  const auto query_shift = x.constant(k.query1_shift, kInner), final_shift = x.constant(k.key_final_shift, kInner);
  const Format format = element_format(bf16);
  const std::size_t tf = final_tokens.size(), cf = 8 * tf;
  for (std::size_t p = 0; p < tokens.size(); ++p) poison_matrices(call.prompt[p], 8 * static_cast<std::size_t>(tokens[p]), cf, device, format);
  for (SplitPair** to : {&call.split_query, &call.split_key, &call.split_value1, &call.split_value2}) {
    *to = static_cast<SplitPair*>(device.poisoned(2 * x.query.size(), Format::bfloat16));
  }
  const Call* on_device = x.on_device();
  layer0_matrices(bf16, on_device, call.prompts, x.most, device.get());
  layer1_matrices(bf16, on_device, call.prompts, x.most, device.get());

  check_split(x);

  // Sums of 16 products of 16-term sums in float32; what is stored in bfloat16 is rounded to 2^-9.
  const double exact = 1e-6, limit = bf16 ? 3e-3 : exact;
  for (std::size_t p = 0; p < tokens.size(); ++p) {
    const PromptView& w = call.prompt[p];
    const auto t = static_cast<std::size_t>(tokens[p]), c = 8 * t, first = static_cast<std::size_t>(w.first_row);
    std::vector<std::size_t> all(t), last(final_tokens.begin(), final_tokens.end());
    for (std::size_t i = 0; i < t; ++i) all[i] = i;
    const auto from1 = [&](std::size_t panel) { return expand(map1, panel, x.value1, first, t); };
    const auto from2 = [&](std::size_t panel) { return expand(map2, panel, x.value2, first, t); };
    const auto check = [&](const void* got_at, std::size_t rows, std::size_t columns, Format kept, double most, auto&& want) {
      const std::vector<float> got = device.fetch(got_at, rows * columns, kept);
      Difference difference;
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) difference.add(got[i * columns + j], want(i, j));
      }
      CHECK_LE(difference.relative(), most);
    };
    const auto check_scores = [&](const void* at, std::size_t rows, const std::vector<float>& left, const Numbers& r) {
      check(at, rows, c, format, limit, [&](std::size_t i, std::size_t j) { return score(left, first, all, i, r, j); });
    };
    const Numbers g1 = from1(kGram1);
    check(w.gram1, c, c, format, limit, [&](std::size_t i, std::size_t j) {
      return j < i ? 0.0 : (j == i ? 1.0 : 2.0) * score(x.value1, first, all, i, g1, j);
    });
    check_scores(w.to_score1, c, x.query, from1(kToKey1));
    check_scores(w.to_query1, c, x.key, from1(kToQuery1));
    // Upper triangle of [[G2, X^T], [X, G3]], off-diagonal doubled.
    const Numbers g2 = from1(kGram2), cross = from1(kCross), g3 = from2(kGram3);
    check(w.gram12, 2 * c, 2 * c, format, limit, [&](std::size_t i, std::size_t j) {
      if (j < i) return 0.0;
      const double twice = j == i ? 1.0 : 2.0;
      if (j < c) return twice * score(x.value1, first, all, i, g2, j);
      if (i < c) return twice * score(x.value2, first, all, j - c, cross, i);
      return twice * score(x.value2, first, all, i - c, g3, j - c);
    });
    const Numbers f1 = from1(kToKeyFinal1), f2 = from2(kToKeyFinal2);
    check(w.to_score_final, cf, 2 * c, format, limit, [&](std::size_t i, std::size_t j) {
      return j < c ? score(x.query, first, last, i, f1, j) : score(x.query, first, last, i, f2, j - c);
    });
    const Numbers up[4] = {from1(kToUpscale1), from1(kToUpscale1 + 2), from2(kToUpscale2), from2(kToUpscale2 + 2)};
    check(w.to_upscale, 4 * kUp1, 2 * c, format, limit,
          [&](std::size_t i, std::size_t j) { return up[j / c * 2 + i / kInner][j % c * kInner + i % kInner]; });
    const Numbers v1 = from1(kToValue1), vf1 = from1(kToValueFinal1), vf2 = from2(kToValueFinal2);
    for (const auto& [at, want] : {std::pair(w.to_value1, &v1), {w.to_value_final1, &vf1}, {w.to_value_final2, &vf2}}) {
      check(at, c, kInner, Format::float32, exact, [&, want = want](std::size_t i, std::size_t j) { return (*want)[i * kInner + j]; });
    }
    const auto at = [&](const std::vector<float>& v, std::size_t column) { return v.data() + (first + column % t) * kInner + column / t * kHeadDim; };
    check(w.query1_shift, 1, c, Format::float32, exact,
          [&](std::size_t, std::size_t j) { return dot16(at(x.key, j), query_shift.data() + j / t * kHeadDim); });
    check(w.linear12, 2, c, Format::float32, exact, [&](std::size_t i, std::size_t j) {
      return 2.0 * dot16(at(i == 0 ? x.value1 : x.value2, j), (i == 0 ? beta1 : beta2).data() + j / t * kHeadDim);
    });
    check(w.score_shift, 1, cf, Format::float32, exact, [&](std::size_t, std::size_t j) {
      return dot16(x.query.data() + (first + last[j % tf]) * kInner + j / tf * kHeadDim, final_shift.data() + j / tf * kHeadDim);
    });
  }
}

enum class Layer { first, second, last };

// Random partial results of `chunks` chunks, merged.
void merged(Layer layer, std::vector<int> tokens, std::vector<int> final_tokens, int chunks, std::uint64_t seed) {
  need_device();
  KernelArrays device(seed);
  Prompts x(device, seed, tokens, final_tokens);
  Call& call = x.call;
  call.chunks = chunks;
  const auto shift0 = x.constant(call.constants.value0_shift, kInner), shift1 = x.constant(call.constants.value1_shift, kInner),
             shift_final = x.constant(call.constants.value_final_shift, kInner), scaled = x.constant(call.constants.value_final_scaled, kInner);
  const bool last = layer == Layer::last;
  const std::size_t tf = final_tokens.size(), n = static_cast<std::size_t>(chunks), prompts = tokens.size();
  const std::size_t rows_out = last ? tf * prompts : static_cast<std::size_t>(call.rows);
  call.attention = device.poisoned(rows_out * kInner);
  struct Partial {
    std::vector<float> max, sum, values, value1, final1, final2;
  };
  std::vector<Partial> partials(prompts);
  const auto width_of = [&](std::size_t c) { return layer == Layer::first ? kHeadDim : last ? kHeadDim + 2 * c + 1 : kHeadDim + c; };
  for (std::size_t p = 0; p < prompts; ++p) {
    const auto t = static_cast<std::size_t>(tokens[p]), c = 8 * t, rows = last ? 8 * tf : c;
    Partial& part = partials[p];
    part.max = test::normal(x.random, n * rows, 3.0f);
    part.sum = test::normal(x.random, n * rows);
    for (float& s : part.sum) s = 1.0f + std::abs(s);
    part.values = test::normal(x.random, n * rows * width_of(c));
    PromptView& w = call.prompt[p];
    w.partial_max = device.upload(part.max);
    w.partial_sum = device.upload(part.sum);
    w.partial_values = device.upload(part.values);
    const auto matrix = [&](std::vector<float>& v, float*& at) {
      v = test::normal(x.random, c * kInner, 0.25f);
      at = device.upload(v);
    };
    matrix(part.value1, w.to_value1);
    matrix(part.final1, w.to_value_final1);
    matrix(part.final2, w.to_value_final2);
  }
  const Call* on_device = x.on_device();
  if (layer == Layer::first) merge0(on_device, call.prompts, 8 * x.most, call.chunks, device.get());
  if (layer == Layer::second) merge1(on_device, call.prompts, 8 * x.most, call.chunks, device.get());
  if (last) merge_final(on_device, call.prompts, 8 * x.most, call.chunks, call.final_count, device.get());

  const std::vector<float> got = device.fetch(call.attention, rows_out * kInner);
  Difference difference;
  for (std::size_t p = 0; p < prompts; ++p) {
    const Partial& part = partials[p];
    const auto t = static_cast<std::size_t>(tokens[p]), c = 8 * t, count = last ? tf : t, rows = 8 * count, width = width_of(c);
    for (std::size_t row = 0; row < rows; ++row) {
      double top = -1e30, sum = 0;
      for (std::size_t i = 0; i < n; ++i) top = std::max(top, double{part.max[i * rows + row]});
      Numbers value(width, 0.0);
      for (std::size_t i = 0; i < n; ++i) {
        const double factor = std::exp(part.max[i * rows + row] - top);
        sum += factor * part.sum[i * rows + row];
        for (std::size_t j = 0; j < width; ++j) value[j] += factor * part.values[(i * rows + row) * width + j];
      }
      const std::size_t head = row / count, token = row % count;
      const std::size_t at = last ? token * prompts + p : static_cast<std::size_t>(call.prompt[p].first_row) + token;
      for (std::size_t d = 0; d < kHeadDim; ++d) {
        const std::size_t i = head * kHeadDim + d;
        double want = value[d];
        for (std::size_t j = 0; j < c && layer != Layer::first; ++j) {
          want += value[kHeadDim + j] * (last ? part.final1 : part.value1)[j * kInner + i];
          if (last) want += value[kHeadDim + c + j] * part.final2[j * kInner + i];
        }
        if (last) want += value[width - 1] * scaled[i];
        want = want / sum + (last ? shift_final : layer == Layer::first ? shift0 : shift1)[i];
        difference.add(got[at * kInner + i], want);
      }
    }
  }
  CHECK_LE(difference.relative(), 2e-6);  // float32 sums, the longest of 2 C + 17 terms
}

}  // namespace

TEST("matrices of each prompt, float32") {
  matrices(false, {6, 9}, {0, 1, 5}, 1);
  matrices(false, {7, 33, 8}, {0, 1, 6}, 2);  // more tokens than one block takes
}

TEST("matrices of each prompt, bfloat16") { matrices(true, {11, 6}, {0, 1, 2, 3, 4, 5}, 3); }

TEST("chunks are merged, few and many, prompts of unequal length") {
  std::uint64_t seed = 10;
  for (const Layer layer : {Layer::first, Layer::second, Layer::last}) {
    for (const int chunks : {1, 3, 37}) merged(layer, {6, 13, 9}, {0, 1, 3, 4, 5}, chunks, ++seed);
  }
}

TEST("rows of the longest prompts, in as many chunks as there are tiles") {
  merged(Layer::last, {128, 6}, {0, 1, 5}, 128, 20);  // 2065 numbers a row
}
