// Every kernel of 32 bits against plain double arithmetic over many random shapes.
#include <algorithm>
#include <cmath>

#include "cpu/isa.h"
#include "cpu/layout.h"
#include "poisoned_output.h"
#include "test.h"

namespace {

using namespace unsam;
using test::kPoison;
using test::Out;

double erf_gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

TEST("gemm") {
  const Kernels& k = kernels();
  test::Random random(1);
  for (int round = 0; round < 150; ++round) {
    const std::size_t m = 1 + random() % 30, depth = random() % 90, lda = depth + random() % 5, ldc = kLanes + random() % 9;
    const int start = static_cast<int>(random() % 4);  // none, rows, one shared row, rows scaled
    const std::size_t ld0 = start == 2 ? 0 : kLanes + random() % 3;
    const auto a = test::normal(random, m * lda + 1), b = test::normal(random, depth * kLanes + 1);
    const auto c0 = test::normal(random, m * (kLanes + 3)), scale = test::normal(random, kLanes);
    Out c((m - 1) * ldc + kLanes);
    k.gemm({m, depth, a.data(), lda, b.data(), c.data(), ldc, start == 0 ? nullptr : c0.data(), ld0, start == 3 ? scale.data() : nullptr});
    CHECK(c.intact());
    double worst = 0;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        double want = start == 0 ? 0.0 : c0[i * ld0 + lane];
        if (start == 3) want *= scale[lane];
        double size = 1.0;
        for (std::size_t j = 0; j < depth; ++j) {
          want += double{a[i * lda + j]} * b[j * kLanes + lane];
          size += std::abs(double{a[i * lda + j]} * b[j * kLanes + lane]);
        }
        const double error = std::abs(c[i * ldc + lane] - want) / size;
        worst = std::isnan(error) ? 1.0 : std::max(worst, error);
      }
      for (std::size_t lane = kLanes; lane < ldc && i + 1 < m; ++lane) CHECK(std::isnan(c[i * ldc + lane]));
    }
    CHECK_LE(worst, 2e-6);
  }
}

TEST("attention of a block of queries") {
  const Kernels& k = kernels();
  test::Random random(12);
  for (int round = 0; round < 60; ++round) {
    const std::size_t d = round % 2 == 0 ? kHeadDim : kSelfHeadDim;
    const std::size_t queries = 1 + random() % kLanes, keys = 1 + random() % (round % 3 == 0 ? 400 : 70);
    const std::size_t blocks = (keys + kLanes - 1) / kLanes, k_block = d * kLanes + random() % 5, v_block = d * kLanes + random() % 5;
    // Scores from small to far beyond what exp can take: only their differences matter.
    const float spread = round % 4 == 0 ? 40.0f : 1.0f;
    const auto q = test::normal(random, d * kLanes, spread);
    auto keys_of = test::normal(random, blocks * k_block), values = test::normal(random, blocks * v_block);
    for (std::size_t lane = keys % kLanes; lane > 0 && lane < kLanes; ++lane) {  // no key: must not be looked at
      for (std::size_t c = 0; c < d; ++c) {
        keys_of[(blocks - 1) * k_block + c * kLanes + lane] = values[(blocks - 1) * v_block + c * kLanes + lane] = kPoison;
      }
    }
    Out out(d * kLanes);
    k.attend({d, queries, keys, q.data(), keys_of.data(), k_block, values.data(), v_block, out.data()});
    CHECK(out.intact());
    for (std::size_t lane = 0; lane < queries; ++lane) {
      std::vector<double> score(keys), want(d);
      double top = -1e300, sum = 0;
      for (std::size_t i = 0; i < keys; ++i) {
        for (std::size_t c = 0; c < d; ++c) {
          score[i] += double{q[c * kLanes + lane]} * keys_of[i / kLanes * k_block + c * kLanes + i % kLanes];
        }
        top = std::max(top, score[i]);
      }
      for (std::size_t i = 0; i < keys; ++i) {
        const double weight = std::exp(score[i] - top);
        sum += weight;
        for (std::size_t c = 0; c < d; ++c) want[c] += weight * values[i / kLanes * v_block + c * kLanes + i % kLanes];
      }
      for (std::size_t c = 0; c < d; ++c) {
        CHECK_LE(std::abs(out[c * kLanes + lane] - want[c] / sum), (spread > 1.0f ? 1e-3 : 1e-5));
      }
    }
  }
}

TEST("dot") {
  const Kernels& k = kernels();
  test::Random random(3);
  for (int round = 0; round < 100; ++round) {
    const std::size_t m = 1 + random() % 14, n = 1 + random() % 14, blocks = 1 + random() % 4, ldo = n + random() % 3;
    const std::size_t a_block = m * kLanes + random() % 7, b_block = random() % 4 == 0 ? 0 : n * kLanes + random() % 7;
    const auto a = test::normal(random, blocks * a_block), b = test::normal(random, blocks * b_block + n * kLanes);
    Out out((m - 1) * ldo + n);
    k.dot({m, n, blocks, a.data(), a_block, b.data(), b_block, out.data(), ldo});
    CHECK(out.intact());
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double want = 0, size = 1;
        for (std::size_t block = 0; block < blocks; ++block) {
          for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double term = double{a[block * a_block + i * kLanes + lane]} * b[block * b_block + j * kLanes + lane];
            want += term;
            size += std::abs(term);
          }
        }
        CHECK(std::abs(out[i * ldo + j] - want) <= 2e-6 * size);
      }
    }
  }
}

TEST("softmax over tokens") {
  const Kernels& k = kernels();
  test::Random random(4);
  for (int round = 0; round < 60; ++round) {
    const std::size_t heads = 1 + random() % 8, t = 1 + random() % 20;
    const float spread = round % 3 == 0 ? 100.0f : 3.0f;
    const auto s = test::normal(random, heads * t * kLanes, spread), bias = test::normal(random, heads * t, spread);
    const bool biased = random() % 2 == 0;
    Out out(s);
    k.softmax_tokens(heads, t, biased ? bias.data() : nullptr, out.data());
    CHECK(out.intact());
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const auto score = [&](std::size_t i) { return double{s[(h * t + i) * kLanes + lane]} + (biased ? bias[h * t + i] : 0.0f); };
        double top = -1e300, total = 0;
        for (std::size_t i = 0; i < t; ++i) top = std::max(top, score(i));
        for (std::size_t i = 0; i < t; ++i) total += std::exp(score(i) - top);
        for (std::size_t i = 0; i < t; ++i) {
          CHECK(std::abs(out[(h * t + i) * kLanes + lane] - std::exp(score(i) - top) / total) <= (spread > 10 ? 4e-5 : 2e-6));
        }
      }
    }
  }
}

TEST("softmax over a chunk of image tokens") {
  const Kernels& k = kernels();
  test::Random random(5);
  for (int round = 0; round < 60; ++round) {
    const std::size_t rows = 1 + random() % 20, blocks = 1 + random() % 4, valid = 1 + random() % kLanes;
    const std::size_t stride = rows * kLanes + random() % 5;
    const auto s = test::normal(random, blocks * stride, 4.0f);
    Out out(s), top(rows), sum(rows);
    k.softmax_chunk(rows, blocks, valid, out.data(), stride, top.data(), sum.data());
    CHECK(out.intact() && top.intact() && sum.intact());
    for (std::size_t row = 0; row < rows; ++row) {
      const auto in_use = [&](std::size_t b, std::size_t lane) { return b + 1 < blocks || lane < valid; };
      double limit = -1e300, total = 0;
      for (std::size_t b = 0; b < blocks; ++b) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          if (in_use(b, lane)) limit = std::max(limit, double{s[b * stride + row * kLanes + lane]});
        }
      }
      for (std::size_t b = 0; b < blocks; ++b) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          const std::size_t at = b * stride + row * kLanes + lane;
          const double want = in_use(b, lane) ? std::exp(s[at] - limit) : 0.0;
          total += want;
          CHECK(std::abs(out[at] - want) <= 4e-6 * want + (want == 0.0 ? 0.0 : 1e-37));
        }
      }
      CHECK(top[row] == static_cast<float>(limit));
      CHECK(std::abs(sum[row] - total) <= 2e-6 * total);
    }
  }
}

TEST("rows: scaling, sums of products, norms") {
  const Kernels& k = kernels();
  test::Random random(6);
  for (int round = 0; round < 40; ++round) {
    const std::size_t rows = 1 + random() % 40;
    const auto a = test::normal(random, rows * kLanes), b = test::normal(random, rows * kLanes);
    const auto shift = test::normal(random, rows), scale = test::normal(random, kLanes), start = test::normal(random, kLanes);
    Out out(rows * kLanes), in_place(a), acc(start);
    k.scale_rows(rows, a.data(), shift.data(), scale.data(), out.data());
    k.scale_rows(rows, nullptr, nullptr, scale.data(), in_place.data());
    k.add_products(rows, a.data(), b.data(), acc.data());
    CHECK(out.intact() && in_place.intact() && acc.intact());
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      double want = start[lane], size = 1;
      for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t at = row * kLanes + lane;
        CHECK(std::abs(out[at] - scale[lane] * (double{a[at]} + shift[row])) <= 1e-6 * (1 + std::abs(out[at])) * 4);
        CHECK(in_place[at] == scale[lane] * a[at]);
        want += double{a[at]} * b[at];
        size += std::abs(double{a[at]} * b[at]);
      }
      CHECK(std::abs(acc[lane] - want) <= 2e-6 * size);
    }
  }
  const auto block = test::normal(random, kDim * kLanes), shift = test::normal(random, kDim), gain = test::normal(random, kDim);
  auto beta = test::normal(random, kDim);
  Out scratch(kDim * kLanes), norms(3 * kLanes);
  k.image_norms(block.data(), shift.data(), gain.data(), beta.data(), scratch.data(), norms.data());
  CHECK(scratch.intact() && norms.intact());
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    std::vector<double> x(kDim), y(kDim);
    double mean = 0, mean_y = 0, square = 0, square_y = 0, along = 0;
    for (std::size_t c = 0; c < kDim; ++c) mean += (x[c] = double{block[c * kLanes + lane]} + shift[c]) / kDim;
    for (std::size_t c = 0; c < kDim; ++c) {
      x[c] -= mean;
      square += x[c] * x[c];
      mean_y += (y[c] = x[c] * gain[c]) / kDim;
    }
    for (std::size_t c = 0; c < kDim; ++c) {
      square_y += (y[c] - mean_y) * (y[c] - mean_y);
      along += (y[c] - mean_y) * beta[c];
    }
    CHECK(std::abs(norms[lane] - square) <= 3e-6 * square);
    CHECK(std::abs(norms[kLanes + lane] - square_y) <= 3e-6 * square_y);
    CHECK(std::abs(norms[2 * kLanes + lane] - along) <= 1e-3);
  }
  std::vector<float> n = test::normal(random, kLanes, 300.0f);
  n[0] = 0.0f;
  n[1] = -1e-4f;
  Out inverse(n);
  k.inverse_std(1e-5f, inverse.data());
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double want = 1.0 / std::sqrt(std::max(0.0, double{n[lane]}) / kDim + 1e-5);
    CHECK(std::abs(inverse[lane] - want) <= 1e-6 * want);
  }
}

TEST("gelu over its whole range") {
  const Kernels& k = kernels();
  std::vector<float> x;
  for (int i = -160000; i < 160000; ++i) x.push_back(static_cast<float>(i) * 1e-4f);
  x.resize(x.size() / kLanes * kLanes);
  Out y(x);
  k.gelu(x.size(), y.data());
  CHECK(y.intact());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, std::abs(y[i] - erf_gelu(x[i])) / std::max(1.0, std::abs(double{x[i]})));
  }
  std::printf("      worst error relative to max(1, |x|): %.1e\n", worst);
  CHECK_LE(worst, 4e-7);
}

TEST("upscaling: norm, then dot products") {
  const Kernels& k = kernels();
  test::Random random(8);
  for (int round = 0; round < 10; ++round) {
    const bool half = k.bf16 != nullptr && round % 2 == 1;
    const auto acc = test::normal(random, kUp1 * kLanes);
    auto base = test::normal(random, kUp1 * kLanes), skip = test::normal(random, kUp1 * kLanes), skip0 = test::normal(random, kUp0 * kLanes);
    const auto scale = test::normal(random, kLanes), base_scale = test::normal(random, kLanes), shift = test::normal(random, kUp1), gain = test::normal(random, kUp1), bias = test::normal(random, kUp1);
    // Numbers that float16 holds exactly.
    const auto halved = [&](std::vector<float>& x) {
      std::vector<std::uint16_t> out(x.size());
      if (half) {
        k.bf16->to_half(x.size(), x.data(), out.data());
        k.bf16->from_half(x.size(), out.data(), x.data());
      }
      return out;
    };
    const auto base_half = halved(base), skip_half = halved(skip), skip0_half = halved(skip0);
    Out out(acc);
    if (half) {
      k.bf16->upscale_norm({out.data(), base_half.data(), base_scale.data(), shift.data(), scale.data(), skip_half.data(), gain.data(), bias.data(), 1e-6f});
    } else {
      k.upscale_norm({out.data(), base.data(), base_scale.data(), shift.data(), scale.data(), skip.data(), gain.data(), bias.data(), 1e-6f});
    }
    CHECK(out.intact());
    double worst = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::vector<double> x(kUp1);
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < kUp1; ++c) {
        const std::size_t at = c * kLanes + lane;
        x[c] = double{scale[lane]} * (double{acc[at]} + double{base_scale[lane]} * base[at] + shift[c]) + skip[at];
        mean += x[c] / kUp1;
      }
      for (const double v : x) square += (v - mean) * (v - mean) / kUp1;
      for (std::size_t c = 0; c < kUp1; ++c) {
        worst = std::max(worst, std::abs(out[c * kLanes + lane] - erf_gelu((x[c] - mean) / std::sqrt(square + 1e-6) * gain[c] + bias[c])));
      }
    }
    CHECK_LE(worst, half ? 5e-5 : 1e-5);

    const std::size_t masks = 1 + random() % 6;
    const auto x = test::normal(random, kUp0 * kLanes, 2.0f), hyper = test::normal(random, masks * kUp0);
    Out logits((masks - 1) * 16 * kLanes + kLanes);
    if (half) {
      k.bf16->gelu_dot({x.data(), skip0_half.data(), hyper.data(), masks, logits.data(), 16 * kLanes});
    } else {
      k.gelu_dot({x.data(), skip0.data(), hyper.data(), masks, logits.data(), 16 * kLanes});
    }
    CHECK(logits.intact());
    for (std::size_t m = 0; m < masks; ++m) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        double want = 0;
        for (std::size_t c = 0; c < kUp0; ++c) {
          want += hyper[m * kUp0 + c] * erf_gelu(double{x[c * kLanes + lane]} + skip0[c * kLanes + lane]);
        }
        CHECK(std::abs(logits[m * 16 * kLanes + lane] - want) <= (half ? 1e-3 : 2e-5));
      }
    }
  }
}

TEST("token operations") {
  const Kernels& k = kernels();
  test::Random random(9);
  for (int round = 0; round < 20; ++round) {
    const std::size_t t = 1 + random() % 14, cols = 1 + random() % 100;
    const auto x = test::normal(random, t * kDim), gain = test::normal(random, kDim), bias = test::normal(random, kDim);
    Out y(x);
    k.layer_norm(t, y.data(), gain.data(), bias.data(), 1e-5f);
    CHECK(y.intact());
    for (std::size_t i = 0; i < t; ++i) {
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < kDim; ++c) mean += double{x[i * kDim + c]} / kDim;
      for (std::size_t c = 0; c < kDim; ++c) square += std::pow(x[i * kDim + c] - mean, 2) / kDim;
      for (std::size_t c = 0; c < kDim; ++c) {
        const double want = (x[i * kDim + c] - mean) / std::sqrt(square + 1e-5) * gain[c] + bias[c];
        CHECK(std::abs(y[i * kDim + c] - want) <= 1e-5);
      }
    }

    const auto q = test::normal(random, t * kDim), key = test::normal(random, t * kDim), value = test::normal(random, t * kDim);
    Out scores(t), mixed(t * kDim);
    k.self_attention(t, q.data(), key.data(), value.data(), scores.data(), mixed.data());
    CHECK(scores.intact() && mixed.intact());
    for (std::size_t i = 0; i < t; ++i) {
      for (std::size_t h = 0; h < kHeads; ++h) {
        std::vector<double> weight(t);
        double total = 0;
        for (std::size_t j = 0; j < t; ++j) {
          double s = 0;
          for (std::size_t c = h * 32; c < h * 32 + 32; ++c) s += double{q[i * kDim + c]} * key[j * kDim + c];
          total += weight[j] = std::exp(s / std::sqrt(32.0));
        }
        for (std::size_t c = h * 32; c < h * 32 + 32; ++c) {
          double want = 0;
          for (std::size_t j = 0; j < t; ++j) want += weight[j] / total * value[j * kDim + c];
          CHECK(std::abs(mixed[i * kDim + c] - want) <= 1e-5);
        }
      }
    }

    const auto queries = test::normal(random, t * kInner), r = test::normal(random, 2 * cols * 64);
    const std::size_t ldo = cols + random() % 4;
    Out dots((kHeads * t - 1) * ldo + cols);
    k.head_dots(t, cols, queries.data(), r.data(), dots.data(), ldo);
    CHECK(dots.intact());
    for (std::size_t h = 0; h < kHeads; ++h) {
      for (std::size_t i = 0; i < t; ++i) {
        for (std::size_t c = 0; c < cols; ++c) {
          double want = 0;
          for (std::size_t d = 0; d < kHeadDim; ++d) {
            want += double{queries[i * kInner + h * kHeadDim + d]} * r[(h / 4 * cols + c) * 64 + h % 4 * kHeadDim + d];
          }
          CHECK(std::abs(dots[(h * t + i) * ldo + c] - want) <= 2e-5);
        }
      }
    }

    Out rectified(x), added(x);
    k.relu(x.size(), rectified.data());
    k.add(x.size(), added.data(), q.data());
    CHECK(rectified.intact() && added.intact());
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(rectified[i] == std::max(0.0f, x[i]));
      CHECK(added[i] == x[i] + q[i]);
    }
  }
}
