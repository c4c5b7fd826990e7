// The passes over the image tokens, each on random inputs of its own, against plain loops in double.
#include "pass_inputs.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

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

TEST("working memory in global memory gives the same sums") {
  attend1({4, 1, {48}}, false, 30);
  attend_final({4, 1, {48}}, false, 31);
}
