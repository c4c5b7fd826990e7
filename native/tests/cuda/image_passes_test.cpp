// The passes over the image tokens and the upscaling, each on random inputs of its own, against plain loops in double.
#include "decoder/cuda/image_passes.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "kernel_arrays.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

using Floats = std::vector<float>;
using Numbers = std::vector<double>;

std::size_t idx(int i) { return static_cast<std::size_t>(i); }

struct Shape {
  int side, tiles_per_chunk;
  std::vector<int> tokens;  // of each prompt
  std::vector<int> final_tokens = {0, 1, 5};
};

struct PromptInputs {
  Floats attention, inverse1, inverse2, gram1, to_score1, to_query1, gram12, to_score_final, to_upscale, linear12, query1_shift, score_shift;
};

// A call with an image, token rows and, for each prompt, what the stages before leave; all of it random.
struct Inputs {
  Inputs(const Shape& s, bool bf16, std::uint64_t seed)
      : shape(s), device(seed), random(seed), element(element_format(bf16)), product(product_format(bf16)) {
    std::memset(static_cast<void*>(&call), 0, sizeof call);
    n = idx(s.side * s.side);
    padded = (n + 31) / 32 * 32;
    call.image.side = s.side;
    call.image.tokens = static_cast<int>(n);
    call.image.padded = static_cast<int>(padded);
    call.prompts = static_cast<int>(s.tokens.size());
    call.tiles_per_chunk = s.tiles_per_chunk;
    call.chunks = static_cast<int>(padded / 32 + idx(s.tiles_per_chunk) - 1) / s.tiles_per_chunk;
    call.final_count = static_cast<int>(s.final_tokens.size());
    std::copy(s.final_tokens.begin(), s.final_tokens.end(), call.final_tokens);
    products = image_rows(kProductRows, 0.5f, call.image.products);
    positions = image_rows(kPositionRows, 0.5f, call.image.positions);
    // |x~|^2 and the like: large enough that no variance comes near zero.
    norms = test::normal(random, 3 * padded, 20.0f);
    for (std::size_t i = 0; i < 2 * padded; ++i) norms[i] = 300.0f + std::abs(norms[i]);
    for (std::size_t i = 0; i < 3 * padded; ++i) norms[i] = i % padded < n ? norms[i] : 0.0f;
    call.image.norms = device.upload(norms);
    call.constants.beta_square = 40.0f;

    for (const int t : s.tokens) call.rows += t;
    for (auto* v : {&query, &key, &value1, &value2}) *v = test::normal(random, idx(call.rows) * kInner, 0.7f);
    call.query = device.upload(query);
    call.key = device.upload(key);
    call.value1 = device.upload(value1);
    call.value2 = device.upload(value2);
    int row = 0;
    for (std::size_t p = 0; p < s.tokens.size(); ++p) {
      PromptView& w = call.prompt[p];
      w.tokens = s.tokens[p];
      w.columns = 8 * s.tokens[p];
      w.first_row = row;
      row += w.tokens;
      w.products = call.image.products;
      w.norms = call.image.norms;
      pass.columns = std::max(pass.columns, w.columns);
    }
    pass.prompts = call.prompts;
    pass.chunks = call.chunks;
    pass.final_columns = 8 * call.final_count;
    prompts.resize(s.tokens.size());
  }

  // [padded][ld], zero beyond the image.
  Floats image_rows(std::size_t ld, float scale, const void*& at) {
    Floats v = rounded_normal(random, padded * ld, scale);
    std::fill(v.begin() + static_cast<std::ptrdiff_t>(n * ld), v.end(), 0.0f);
    at = device.upload(v, product);
    return v;
  }
  template <typename T>
  void matrix(Floats& v, T*& at, std::size_t size, float scale) {
    v = rounded_normal(random, size, scale);
    at = static_cast<T*>(device.upload(v, std::is_same_v<T, float> ? Format::float32 : element));
  }
  void triangle(Floats& v, void*& at, std::size_t size) {
    v = rounded_normal(random, size * size, 0.3f);
    for (std::size_t i = 0; i < size * size; ++i) v[i] = i % size < i / size ? 0.0f : v[i];
    at = device.upload(v, element);
  }
  // The first rows of the attention as if stages before had left them, the rest poisoned; both inverse norms likewise.
  void attention(std::size_t p, std::size_t rows_given) {
    PromptView& w = call.prompt[p];
    PromptInputs& in = prompts[p];
    const std::size_t rows = 2 * idx(w.columns);
    in.attention = rounded_normal(random, rows_given * padded, 0.2f);
    Floats all(rows * padded, std::numeric_limits<float>::quiet_NaN());
    std::copy(in.attention.begin(), in.attention.end(), all.begin());
    w.attention = device.upload(all, element);
    const auto inverse = [&](Floats& v, float*& at, bool given) {
      v = rounded_normal(random, padded, 0.1f);
      for (float& i : v) i = std::abs(i) + 0.25f;
      at = given ? device.upload(v) : device.poisoned(padded);
    };
    inverse(in.inverse1, w.inverse1, rows_given > 0);
    inverse(in.inverse2, w.inverse2, rows_given == rows);
  }
  void partials(std::size_t rows, std::size_t width, PromptView& w) {
    w.partial_max = device.poisoned(idx(call.chunks) * rows);
    w.partial_sum = device.poisoned(idx(call.chunks) * rows);
    w.partial_values = device.poisoned(idx(call.chunks) * rows * width);
  }
  const Call* on_device() { return device.upload(std::span<const Call>(&call, 1)); }
  void run(Pass which, bool bf16) {
    const std::size_t floats = pass_scratch_floats(which, pass.columns, pass.final_columns);
    float* scratch = floats == 0 ? nullptr : device.poisoned(floats * idx(pass.chunks * pass.prompts));
    image_pass(which, bf16, on_device(), pass, scratch, device.get());
  }

  double image(const Floats& rows, std::size_t ld, std::size_t token, std::size_t row) const { return rows[token * ld + row]; }
  double product_at(std::size_t token, std::size_t row) const { return image(products, kProductRows, token, row); }
  // Head by head: row `row` of `left` (its columns of that head) times 16 numbers of an image token from `first` on.
  double by_head(const Floats& left, std::size_t row, std::size_t head, const Floats& right, std::size_t ld, std::size_t token,
                 std::size_t first) const {
    double sum = 0;
    for (std::size_t d = head * kHeadDim; d < (head + 1) * kHeadDim; ++d) sum += left[row * kInner + d] * image(right, ld, token, first + d);
    return sum;
  }
  // The chunks' sums of one row, merged: [width].
  Numbers merge(std::size_t row, std::size_t rows, std::size_t width, const Floats& top, const Floats& sum,
                const Floats& values) const {
    double most = -1e30, total = 0;
    Numbers out(width, 0.0);
    for (std::size_t c = 0; c < idx(call.chunks); ++c) most = std::max(most, double{top[c * rows + row]});
    for (std::size_t c = 0; c < idx(call.chunks); ++c) {
      const double factor = std::exp(top[c * rows + row] - most);
      total += factor * sum[c * rows + row];
      for (std::size_t i = 0; i < width; ++i) out[i] += factor * values[(c * rows + row) * width + i];
    }
    for (double& x : out) x /= total;
    return out;
  }

  const Shape shape;
  KernelArrays device;
  test::Random random;
  const Format element, product;
  std::size_t n = 0, padded = 0;
  Call call;
  PassShape pass{};
  Floats products, positions, norms, query, key, value1, value2;
  std::vector<PromptInputs> prompts;
};

void softmax(std::span<double> x) {
  const double top = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double& v : x) sum += v = std::exp(v - top);
  for (double& v : x) v /= sum;
}

// A pass's softmax over image tokens: weights of scores [rows][N], then what is summed with them, held against the merged chunks.
template <class Value>
void check_sums(Inputs& x, const PromptView& w, std::size_t rows, std::size_t width, Numbers& scores, double limit, const Value& value) {
  const std::size_t chunks = idx(x.call.chunks);
  const Floats top = x.device.fetch(w.partial_max, chunks * rows), sum = x.device.fetch(w.partial_sum, chunks * rows),
               values = x.device.fetch(w.partial_values, chunks * rows * width);
  Difference difference;
  for (std::size_t row = 0; row < rows; ++row) {
    softmax(std::span(scores).subspan(row * x.n, x.n));
    const Numbers got = x.merge(row, rows, width, top, sum, values);
    for (std::size_t i = 0; i < width; ++i) {
      double want = 0;
      for (std::size_t token = 0; token < x.n; ++token) want += scores[row * x.n + token] * value(row, i, token);
      difference.add(got[i], want);
    }
  }
  CHECK_LE(difference.relative(), limit);
}

double inverse_std(double square) { return 1.0 / std::sqrt(std::max(square, 0.0) / 256 + 1e-5); }

// float32: operands in two parts, 2^-17 of each score, and float32 sums. bfloat16: attention rounded to 2^-9 wherever it is
// multiplied, which moves scores by some 1e-3 before they are exponentiated.
double limit_of(bool bf16) { return bf16 ? 4e-3 : 2e-5; }

void attend0(const Shape& shape, bool bf16, std::uint64_t seed) {
  need_device();
  Inputs x(shape, bf16, seed);
  for (std::size_t p = 0; p < x.prompts.size(); ++p) x.partials(idx(x.call.prompt[p].columns), kHeadDim, x.call.prompt[p]);
  x.run(Pass::attend0, bf16);
  for (std::size_t p = 0; p < x.prompts.size(); ++p) {
    const PromptView& w = x.call.prompt[p];
    const std::size_t t = idx(w.tokens), c = idx(w.columns), first = idx(w.first_row);
    Numbers scores(c * x.n);
    for (std::size_t i = 0; i < c * x.n; ++i) {
      scores[i] = x.by_head(x.query, first + i / x.n % t, i / x.n / t, x.products, kProductRows, i % x.n, kKey0);
    }
    check_sums(x, w, c, kHeadDim, scores, limit_of(false), [&](std::size_t row, std::size_t i, std::size_t token) {
      return x.product_at(token, kValue0 + row / t * kHeadDim + i);
    });
  }
}

void attend1(const Shape& shape, bool bf16, std::uint64_t seed) {
  need_device();
  Inputs x(shape, bf16, seed);
  for (std::size_t p = 0; p < x.prompts.size(); ++p) {
    PromptView& w = x.call.prompt[p];
    const std::size_t c = idx(w.columns);
    x.attention(p, 0);
    x.partials(c, kHeadDim + c, w);
    x.triangle(x.prompts[p].gram1, w.gram1, c);
    x.matrix(x.prompts[p].to_score1, w.to_score1, c * c, 0.5f);
  }
  x.run(Pass::attend1, bf16);
  for (std::size_t p = 0; p < x.prompts.size(); ++p) {
    const PromptView& w = x.call.prompt[p];
    const PromptInputs& in = x.prompts[p];
    const std::size_t t = idx(w.tokens), c = idx(w.columns), first = idx(w.first_row), n = x.n;
    const Floats got1 = x.device.fetch(w.attention, c * x.padded, x.element), got_inverse = x.device.fetch(w.inverse1, x.padded);
    Numbers a(c * n), inverse(n), scores(c * n);
    Difference attention, norm;
    for (std::size_t token = 0; token < n; ++token) {
      Numbers s(c);
      for (std::size_t i = 0; i < c; ++i) s[i] = x.by_head(x.key, first + i % t, i / t, x.products, kProductRows, token, kQuery0);
      for (std::size_t h = 0; h < kHeads; ++h) softmax(std::span(s).subspan(h * t, t));
      double square = x.norms[token];
      for (std::size_t i = 0; i < c; ++i) {
        double sum = 2.0 * x.by_head(x.value1, first + i % t, i / t, x.products, kProductRows, token, kNorm1);
        for (std::size_t j = i; j < c; ++j) sum += in.gram1[i * c + j] * s[j];
        square += s[i] * sum;
      }
      inverse[token] = inverse_std(square);
      norm.add(got_inverse[token], inverse[token]);
      for (std::size_t i = 0; i < c; ++i) {
        a[i * n + token] = s[i] * inverse[token];
        attention.add(got1[i * x.padded + token], a[i * n + token]);
      }
      for (std::size_t i = 0; i < c; ++i) {
        double sum = inverse[token] * x.by_head(x.query, first + i % t, i / t, x.products, kProductRows, token, kKey1) +
                     x.by_head(x.query, first + i % t, i / t, x.positions, kPositionRows, token, kPositionKey1);
        for (std::size_t j = 0; j < c; ++j) sum += in.to_score1[i * c + j] * a[j * n + token];
        scores[i * n + token] = sum;
      }
    }
    CHECK_LE(norm.relative(), bf16 ? 1e-4 : 1e-6);
    CHECK_LE(attention.relative(), bf16 ? 3e-3 : 1e-5);
    check_sums(x, w, c, kHeadDim + c, scores, limit_of(bf16), [&](std::size_t row, std::size_t i, std::size_t token) {
      return i >= kHeadDim ? a[(i - kHeadDim) * n + token] : inverse[token] * x.product_at(token, kValue1 + row / t * kHeadDim + i);
    });
  }
}

void attend_final(const Shape& shape, bool bf16, std::uint64_t seed) {
  need_device();
  Inputs x(shape, bf16, seed);
  const std::size_t tf = shape.final_tokens.size(), cf = 8 * tf;
  for (std::size_t p = 0; p < x.prompts.size(); ++p) {
    PromptView& w = x.call.prompt[p];
    PromptInputs& in = x.prompts[p];
    const std::size_t c = idx(w.columns);
    x.attention(p, c);
    x.partials(cf, kHeadDim + 2 * c + 1, w);
    x.matrix(in.to_query1, w.to_query1, c * c, 0.5f);
    x.triangle(in.gram12, w.gram12, 2 * c);
    x.matrix(in.to_score_final, w.to_score_final, cf * 2 * c, 0.5f);
    x.matrix(in.linear12, w.linear12, 2 * c, 0.5f);
    x.matrix(in.query1_shift, w.query1_shift, c, 0.5f);
    x.matrix(in.score_shift, w.score_shift, cf, 0.5f);
  }
  x.run(Pass::attend_final, bf16);
  for (std::size_t p = 0; p < x.prompts.size(); ++p) {
    const PromptView& w = x.call.prompt[p];
    const PromptInputs& in = x.prompts[p];
    const std::size_t t = idx(w.tokens), c = idx(w.columns), first = idx(w.first_row), n = x.n, padded = x.padded;
    const Floats got = x.device.fetch(w.attention, 2 * c * padded, x.element), got_inverse = x.device.fetch(w.inverse2, padded);
    Numbers a(2 * c * n), inverse2(n), scores(cf * n);
    Difference attention, norm;
    for (std::size_t token = 0; token < n; ++token) {
      const double inverse1 = in.inverse1[token];
      Numbers b(2 * c);
      for (std::size_t i = 0; i < c; ++i) b[i] = in.attention[i * padded + token];
      for (std::size_t i = 0; i < c; ++i) {
        double sum = inverse1 * x.by_head(x.key, first + i % t, i / t, x.products, kProductRows, token, kQuery1) +
                     x.by_head(x.key, first + i % t, i / t, x.positions, kPositionRows, token, kPositionQuery1) + in.query1_shift[i];
        for (std::size_t j = 0; j < c; ++j) sum += in.to_query1[i * c + j] * b[j];
        b[c + i] = sum;
      }
      for (std::size_t h = 0; h < kHeads; ++h) softmax(std::span(b).subspan(c + h * t, t));
      double square = inverse1 * (inverse1 * x.norms[padded + token] + 2.0 * x.norms[2 * padded + token]) + x.call.constants.beta_square;
      for (std::size_t i = 0; i < 2 * c; ++i) {
        const std::size_t column = i % c;
        double sum = in.linear12[i] + 2.0 * inverse1 * x.by_head(i < c ? x.value1 : x.value2, first + column % t, column / t, x.products,
                                                                 kProductRows, token, i < c ? kNorm2a : kNorm2b);
        for (std::size_t j = i; j < 2 * c; ++j) sum += in.gram12[i * 2 * c + j] * b[j];
        square += b[i] * sum;
      }
      inverse2[token] = inverse_std(square);
      norm.add(got_inverse[token], inverse2[token]);
      for (std::size_t i = 0; i < 2 * c; ++i) {
        a[i * n + token] = b[i];
        attention.add(got[i * padded + token], b[i]);
      }
      for (std::size_t i = 0; i < cf; ++i) {
        const std::size_t row = first + idx(shape.final_tokens[i % tf]), head = i / tf;
        double sum = in.score_shift[i] + inverse1 * x.by_head(x.query, row, head, x.products, kProductRows, token, kKeyFinal);
        for (std::size_t j = 0; j < 2 * c; ++j) sum += in.to_score_final[i * 2 * c + j] * b[j];
        scores[i * n + token] = inverse2[token] * sum + x.by_head(x.query, row, head, x.positions, kPositionRows, token, kPositionKeyFinal);
      }
    }
    CHECK_LE(norm.relative(), bf16 ? 1e-4 : 1e-6);
    CHECK_LE(attention.relative(), bf16 ? 3e-3 : 1e-5);
    check_sums(x, w, cf, kHeadDim + 2 * c + 1, scores, limit_of(bf16), [&](std::size_t row, std::size_t i, std::size_t token) {
      if (i >= kHeadDim + 2 * c) return inverse2[token];
      if (i >= kHeadDim) return inverse2[token] * a[(i - kHeadDim) * n + token];
      return inverse2[token] * in.inverse1[token] * x.product_at(token, kValueFinal + row / tf * kHeadDim + i);
    });
  }
}

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

// Sides whose tokens fill no tile, one tile and a bit, and several with a short last chunk; odd token counts.
const Shape kShapes[] = {{1, 1, {6}}, {5, 1, {7, 9, 6}}, {6, 1, {11}, {0, 1, 3, 4, 5}}, {11, 3, {13, 6}, {0, 1, 2, 3, 4, 5}}};

template <class Run>
void over_shapes(Run run) {
  std::uint64_t seed = 0;
  for (const Shape& shape : kShapes) {
    // Several orders of threads: a missing barrier does not show in each.
    for (const bool bf16 : {false, true, false, true}) run(shape, bf16, ++seed);
  }
}

}  // namespace

TEST("layer 0, tokens to image") { over_shapes(attend0); }

TEST("layer 0, image to tokens with its norm, and layer 1, tokens to image") { over_shapes(attend1); }

TEST("layer 1, image to tokens with its norm, and the last attention") { over_shapes(attend_final); }

TEST("upscaling to the masks of each prompt") {
  upscaled({1, 1, {6}}, false, {2}, 1);
  upscaled({7, 1, {7, 13}}, false, {2}, 2);  // more columns than one batch of attention rows
  upscaled({7, 1, {9, 6}}, true, {2}, 3);
  upscaled({6, 2, {7, 6}, {0, 1, 3, 4, 5}}, true, {2, 3, 4}, 4);
  upscaled({6, 2, {6, 11}, {0, 1, 2, 3, 4, 5}}, false, {2, -1}, 5);
  upscaled({11, 2, {6, 21}}, true, {2}, 6);
}

TEST("working memory in global memory gives the same sums") {
  attend1({4, 1, {48}}, false, 30);
  attend_final({4, 1, {48}}, false, 31);
}
