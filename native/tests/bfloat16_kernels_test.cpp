// The kernels of 16 bits against plain double arithmetic over many random shapes.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cpu/isa.h"
#include "cpu/layout.h"
#include "poisoned_output.h"
#include "test.h"

namespace {

using namespace unsam;
using test::Out;

const Bfloat16Kernels& bfloat16_kernels() {
  if (kernels().bf16 == nullptr) throw test::Skip{"this instruction set has no bfloat16 dot product"};
  return *kernels().bf16;
}

// The upper halves: numbers that bfloat16 holds exactly.
std::vector<std::uint16_t> cut(const std::vector<float>& x) {
  std::vector<std::uint16_t> upper(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) upper[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x[i]) >> 16);
  return upper;
}

float bfloat16(std::uint16_t x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }

}  // namespace

TEST("gemm in bfloat16") {
  const Bfloat16Kernels& k = bfloat16_kernels();
  test::Random random(2);
  for (int round = 0; round < 100; ++round) {
    const std::size_t m = 1 + random() % 30, depth = 2 * (random() % 40), lda = depth + 2 * (random() % 3);
    const auto a = test::normal(random, m * lda + 2), b = test::normal(random, depth * kLanes + 1);
    const auto c0 = test::normal(random, m * kLanes), scale = test::normal(random, kLanes);
    const auto ah = cut(a);
    std::vector<std::uint16_t> bh(depth * kLanes + 1);
    k.to_pairs(depth, b.data(), bh.data());
    Out c(m * kLanes);
    k.gemm({m, depth, ah.data(), lda, bh.data(), c.data(), kLanes, c0.data(), kLanes, scale.data()});
    CHECK(c.intact());
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        double want = double{c0[i * kLanes + lane]} * scale[lane], size = 1.0;
        for (std::size_t j = 0; j < depth; ++j) {
          const double term = double{bfloat16(ah[i * lda + j])} * bfloat16(bh[j / 2 * 2 * kLanes + 2 * lane + j % 2]);
          want += term;
          size += std::abs(term);
        }
        CHECK(std::abs(c[i * kLanes + lane] - want) <= 2e-6 * size);
      }
    }
  }
}

TEST("products by head in bfloat16") {
  const Bfloat16Kernels& k = bfloat16_kernels();
  test::Random random(10);
  for (int round = 0; round < 40; ++round) {
    const std::size_t t = 1 + random() % 40;
    const auto q = cut(test::normal(random, t * kInner)), q_low = cut(test::normal(random, t * kInner, 0.01f)), b = cut(test::normal(random, kInner * kLanes));
    const auto c0 = test::normal(random, kHeads * t * kLanes);
    const bool starts = random() % 2 == 0;
    Out c(kHeads * t * kLanes);
    k.by_head({t, q.data(), q_low.data(), b.data(), c.data(), starts ? c0.data() : nullptr, nullptr});
    CHECK(c.intact());
    for (std::size_t row = 0; row < kHeads * t; ++row) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        double want = starts ? c0[row * kLanes + lane] : 0.0, size = 1.0;
        for (std::size_t i = row / t * kHeadDim; i < (row / t + 1) * kHeadDim; ++i) {
          const double both = double{bfloat16(q[row % t * kInner + i])} + bfloat16(q_low[row % t * kInner + i]);
          const double term = both * bfloat16(b[i / 2 * 2 * kLanes + 2 * lane + i % 2]);
          want += term;
          size += std::abs(term);
        }
        CHECK(std::abs(c[row * kLanes + lane] - want) <= 2e-6 * size);
      }
    }
  }
}

TEST("dot in bfloat16") {
  const Bfloat16Kernels& k = bfloat16_kernels();
  test::Random random(11);
  for (int round = 0; round < 100; ++round) {
    const std::size_t m = 1 + random() % 90, n = 1 + random() % 40, blocks = 1 + random() % kChunkBlocks, ldo = n + random() % 3;
    const std::size_t a_block = m * kLanes + 2 * (random() % 7), b_block = n * kLanes + 2 * (random() % 7);
    const auto a = cut(test::normal(random, blocks * a_block)), b = cut(test::normal(random, blocks * b_block));
    Out out((m - 1) * ldo + n);
    k.dot({m, n, blocks, a.data(), a_block, b.data(), b_block, out.data(), ldo});
    CHECK(out.intact());
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = n; j < ldo && i + 1 < m; ++j) CHECK(std::isnan(out[i * ldo + j]));
      for (std::size_t j = 0; j < n; ++j) {
        double want = 0, size = 1;
        for (std::size_t block = 0; block < blocks; ++block) {
          for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double term = double{bfloat16(a[block * a_block + i * kLanes + lane])} * bfloat16(b[block * b_block + j * kLanes + lane]);
            want += term;
            size += std::abs(term);
          }
        }
        CHECK(std::abs(out[i * ldo + j] - want) <= 2e-6 * size);
      }
    }
  }
}

TEST("formats of 16 bits: rounded to nearest, and back without change") {
  const Bfloat16Kernels& k = bfloat16_kernels();
  test::Random random(12);
  const std::size_t rows = 2 * (1 + random() % 20), n = rows * kLanes;
  auto x = test::normal(random, n, 50.0f);
  x[3] = 1e6f, x[4] = -std::numeric_limits<float>::infinity(), x[5] = std::numeric_limits<float>::quiet_NaN(), x[6] = 0.0f;
  std::vector<std::uint16_t> pairs(n), plain(n), turned(n), half(n);
  Out from_pairs(n), from_rows(n), from_half(n);
  k.to_pairs(rows, x.data(), pairs.data());
  k.to_rows(n, x.data(), plain.data());
  k.rows_from_pairs(rows, pairs.data(), turned.data());
  k.to_half(n, x.data(), half.data());
  k.from_pairs(rows, pairs.data(), from_pairs.data());
  k.from_rows(n, plain.data(), from_rows.data());
  k.from_half(n, half.data(), from_half.data());
  CHECK(from_pairs.intact() && from_rows.intact() && from_half.intact());
  CHECK(turned == plain);
  std::vector<std::uint16_t> high(n), low(n);
  k.split_rows(n, x.data(), high.data(), low.data());
  CHECK(high == plain);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i / kLanes, lane = i % kLanes;
    CHECK(pairs[row / 2 * 2 * kLanes + 2 * lane + row % 2] == plain[i]);
    if (std::isnan(x[i])) {
      CHECK(std::isnan(bfloat16(plain[i])) && std::isnan(from_pairs[i]) && std::isnan(from_rows[i]) && std::isnan(from_half[i]));
      continue;
    }
    CHECK(from_pairs[i] == bfloat16(plain[i]) && from_rows[i] == bfloat16(plain[i]));
    if (std::isinf(x[i])) {
      CHECK(std::isinf(from_rows[i]) && from_half[i] == -65504.0f);
      continue;
    }
    CHECK(std::abs(from_rows[i] - x[i]) <= std::abs(x[i]) / 256);
    CHECK(std::abs(double{bfloat16(high[i])} + bfloat16(low[i]) - x[i]) <= std::abs(x[i]) / 65536);
    CHECK(std::abs(from_half[i] - std::clamp(x[i], -65504.0f, 65504.0f)) <= std::abs(x[i]) / 2048 + 6e-8f);
  }
}
