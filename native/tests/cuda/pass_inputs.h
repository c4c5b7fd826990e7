// Random inputs of the passes over the image tokens and of the upscaling: what the stages before them leave.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "decoder/cuda/image_passes.h"
#include "kernel_arrays.h"

namespace unsam::cuda {

using Floats = std::vector<float>;
using Numbers = std::vector<double>;

inline std::size_t idx(int i) { return static_cast<std::size_t>(i); }

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
    call.split_query = device.upload_split(query);
    call.split_key = device.upload_split(key);
    call.split_value1 = device.upload_split(value1);
    call.split_value2 = device.upload_split(value2);
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

}  // namespace unsam::cuda
