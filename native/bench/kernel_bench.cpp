// Each kernel alone, one thread, at the shapes the decoder uses (one block of 64 image tokens, 80 columns).
#include <cstdio>

#include "cpu/isa.h"
#include "cpu/layout.h"
#include "decoder/cpu/buffer.h"
#include "measure.h"

namespace {

using namespace unsam;

// Calls per prompt of the official size are given so that the last column adds up to a prompt's cost.
template <typename F>
void line(const char* name, double flops, double calls, F&& f) {
  constexpr int repeat = 200;
  const double seconds = median(9, [&] {
                           for (int i = 0; i < repeat; ++i) f();
                         }).cpu / repeat;
  std::printf("%-44s %9.2f us %8.1f GFLOP/s %9.3f ms/prompt\n", name, seconds * 1e6, flops / seconds / 1e9,
              calls * seconds * 1e3);
}

constexpr std::size_t c = 80, blocks = 64, chunks = 16, t = 10;

struct Operands {
  Buffer<float> a{256 * 257}, b{320 * kLanes}, out{320 * kLanes}, big{4 * 320 * kLanes}, dots{320 * 320}, lane{kLanes};
  Buffer<float> many{64 * 2 * kSelfHeadDim * kLanes};
  Buffer<std::uint16_t> ah{256 * 257}, bh{320 * kLanes};

  Operands() {
    for (std::size_t i = 0; i < 256 * 257; ++i) a[i] = 0.01f * static_cast<float>(i % 13), ah[i] = 0x3c00;
    for (std::size_t i = 0; i < 320 * kLanes; ++i) b[i] = out[i] = 0.01f * static_cast<float>(i % 11), bh[i] = 0x3c00;
    for (std::size_t i = 0; i < 4 * 320 * kLanes; ++i) big[i] = 0.01f * static_cast<float>(i % 11);
    for (std::size_t i = 0; i < kLanes; ++i) lane[i] = 1.0f;
    for (std::size_t i = 0; i < 64 * 2 * kSelfHeadDim * kLanes; ++i) many[i] = 0.01f * static_cast<float>(i % 11);
  }
};

void measure(const Kernels& k, Operands& x) {
  Buffer<float>&a = x.a, &b = x.b, &out = x.out, &big = x.big, &dots = x.dots, &lane = x.lane;
  const auto gemm = [&](std::size_t m, std::size_t depth, std::size_t lda) {
    return [&, m, depth, lda] { k.gemm({m, depth, a.data(), lda, b.data(), out.data(), kLanes, b.data(), kLanes, lane.data()}); };
  };
  line("gemm 80 x 80", 2.0 * 80 * 80 * 64, 2 * blocks, gemm(80, 80, 80));
  line("gemm 24 x 160", 2.0 * 24 * 160 * 64, blocks, gemm(24, 160, 160));
  line("gemm 64 x 160 (first deconvolution)", 2.0 * 64 * 160 * 64, 4 * blocks, gemm(64, 160, 160));
  line("gemm 32 x 64 (second deconvolution)", 2.0 * 32 * 64 * 64, 16 * blocks, gemm(32, 64, 64));
  line("gemm 10 x 16, 8 heads", 2.0 * 80 * 16 * 64, 9 * blocks, [&] {
    for (std::size_t h = 0; h < 8; ++h) {
      k.gemm({t, 16, a.data() + h * 16, 128, b.data() + h * 16 * kLanes, out.data() + h * t * kLanes, kLanes, nullptr, 0, nullptr});
    }
  });
  const auto triangle = [&](std::size_t n) {
    return [&, n] {
      for (std::size_t r = 0; r < n; r += 12) {
        k.gemm({std::min<std::size_t>(12, n - r), n - r, a.data() + r * n + r, n, b.data() + r * kLanes, out.data() + r * kLanes,
                kLanes, out.data() + r * kLanes, kLanes, lane.data()});
      }
    };
  };
  line("triangle 80", 80.0 * 81 * 64, blocks, triangle(80));
  line("triangle 160", 160.0 * 161 * 64, blocks, triangle(160));
  line("add products 160", 2.0 * 160 * 64, 1.5 * blocks, [&] { k.add_products(160, b.data(), out.data(), lane.data()); });
  line("softmax over tokens", 80.0 * 64 * 20, 2 * blocks, [&] { k.softmax_tokens(8, t, nullptr, out.data()); });
  line("softmax over chunk, 80 rows", 80.0 * 256 * 20, 2.3 * chunks,
       [&] { float m[80], s[80]; k.softmax_chunk(c, 4, 64, big.data(), c * kLanes, m, s); });
  line("dot 80 x 80 x 256", 2.0 * 80 * 80 * 256, chunks,
       [&] { k.dot({c, c, 4, big.data(), c * kLanes, big.data(), 2 * c * kLanes, dots.data(), c + 16}); });
  line("dot 24 x 160 x 256", 2.0 * 24 * 160 * 256, chunks,
       [&] { k.dot({24, 160, 4, big.data(), c * kLanes, big.data(), 2 * c * kLanes, dots.data(), 176}); });
  line("dot 10 x 16 x 256, 8 heads", 2.0 * 80 * 16 * 256, 2.3 * chunks, [&] {
    for (std::size_t h = 0; h < 8; ++h) {
      k.dot({t, 16, 4, big.data() + h * t * kLanes, c * kLanes, big.data() + h * 16 * kLanes, 2 * c * kLanes, dots.data(), 96});
    }
  });
  line("scale rows 80", 80.0 * 64, 3 * blocks, [&] { k.scale_rows(c, out.data(), nullptr, lane.data(), out.data()); });
  line("upscale norm (64 channels)", 64.0 * 64 * 50, 4 * blocks, [&] {
    k.upscale_norm({out.data(), b.data(), lane.data(), a.data(), lane.data(), b.data(), a.data(), a.data(), 1e-6f});
  });
  line("gelu and dot (32 channels)", 32.0 * 64 * 45, 16 * blocks,
       [&] { k.gelu_dot({b.data(), b.data(), a.data(), 1, out.data(), kLanes}); });
  line("head dots 80 x 80", 2.0 * 80 * 80 * 16, 7, [&] { k.head_dots(t, c, a.data(), b.data(), dots.data(), c); });
}

void measure_attention(const Kernels& k, Operands& x) {
  for (const std::size_t d : {kHeadDim, kSelfHeadDim}) {
    for (const std::size_t queries : {std::size_t{20}, kLanes}) {
      std::printf("%zu queries, %zu channels: ", queries, d);
      line("attend 4096 keys", 4.0 * 4096.0 * static_cast<double>(d * queries), 0, [&] {
        k.attend({d, queries, 4096, x.b.data(), x.many.data(), 2 * d * kLanes, x.many.data() + d * kLanes, 2 * d * kLanes, x.out.data()});
      });
    }
  }
}

void measure_bfloat16(const Bfloat16Kernels& h, Operands& x) {
  Buffer<float>&a = x.a, &b = x.b, &out = x.out, &dots = x.dots, &lane = x.lane;
  Buffer<std::uint16_t>&ah = x.ah, &bh = x.bh;
  const auto gemm_bf16 = [&](std::size_t m, std::size_t depth, const float* start) {
    return [&, m, depth, start] { h.gemm({m, depth, ah.data(), depth, bh.data(), out.data(), kLanes, start, kLanes, start == nullptr ? nullptr : lane.data()}); };
  };
  line("bf16 gemm 80 x 80", 2.0 * 80 * 80 * 64, 2 * blocks, gemm_bf16(80, 80, b.data()));
  line("bf16 gemm 64 x 160", 2.0 * 64 * 160 * 64, 4 * blocks, gemm_bf16(64, 160, nullptr));
  line("bf16 gemm 32 x 64", 2.0 * 32 * 64 * 64, 16 * blocks, gemm_bf16(32, 64, nullptr));
  line("bf16 10 x 16, 8 heads", 2.0 * 80 * 16 * 64, 7 * blocks, [&] { h.by_head({t, ah.data(), ah.data(), bh.data(), out.data(), nullptr, nullptr}); });
  line("bf16 dot 80 x 80 x 256", 2.0 * 80 * 80 * 256, chunks,
       [&] { h.dot({c, c, 4, bh.data(), c * kLanes, bh.data(), c * kLanes, dots.data(), c + 16}); });
  line("bf16 dot 24 x 160 x 128", 2.0 * 24 * 160 * 128, 2 * chunks,
       [&] { h.dot({24, 160, 2, bh.data(), 160 * kLanes, bh.data(), 160 * kLanes, dots.data(), 176}); });
  line("bf16 dot 10 x 16 x 256, 8 heads", 2.0 * 80 * 16 * 256, 2.3 * chunks, [&] {
    for (std::size_t head = 0; head < 8; ++head) {
      h.dot({t, 16, 4, bh.data() + head * t * kLanes, c * kLanes, bh.data(), c * kLanes, dots.data(), 96});
    }
  });
  line("bf16 pairs of 80 rows", 80.0 * 64, 3 * blocks, [&] { h.to_pairs(c, b.data(), bh.data()); });
  line("upscale norm, float16", 64.0 * 64 * 40, 4 * blocks, [&] {
    h.upscale_norm({out.data(), bh.data(), lane.data(), a.data(), lane.data(), bh.data(), a.data(), a.data(), 1e-6f});
  });
  line("gelu and dot, float16", 32.0 * 64 * 33, 16 * blocks,
       [&] { h.gelu_dot({b.data(), bh.data(), a.data(), 1, out.data(), kLanes}); });
}

}  // namespace

int main() {
  const Kernels& k = kernels();
  Operands operands;
  std::printf("%s\n", k.name);
  measure(k, operands);
  measure_attention(k, operands);
  if (k.bf16 != nullptr) measure_bfloat16(*k.bf16, operands);
  return 0;
}
