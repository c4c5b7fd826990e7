// The image encoder with random weights against this machine's own matrix-product rate, and where its time goes.
// Usage: encoder_bench [threads] [runs] [tiny|small|base-plus|large]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "decoder/cpu/buffer.h"
#include "encoder/cpu/kernels.h"
#include "encoder/cpu/linear.h"
#include "measure.h"
#include "parallel/thread_team.h"
#include "random_encoder.h"

namespace {

using namespace unsam;

// Products of a size that a block has, all in one call: [rows][768] x [768][1536], rows taken 192 at a time.
constexpr std::size_t kRows = 1536, kDepth = 768, kColumns = 1536;
constexpr double kFlops = 2.0 * kRows * kDepth * kColumns;

template <class T>
Seconds matrix_product(std::size_t threads) {
  const encoder::Math<T>& math = encoder::math<T>(encoder::kernels());
  encoder::Linear<T> linear;
  linear.pack(math, kColumns, kDepth, [](std::size_t o, std::size_t i) { return static_cast<double>((o + i) % 7) - 3.0; });
  constexpr std::size_t lda = kDepth + 16, ldc = kColumns + 16, step = 192;
  Buffer<T> a(kRows * lda);
  std::fill_n(a.data(), kRows * lda, T{1});
  Buffer<float> c(kRows * ldc);
  ThreadTeam team(threads);
  return median(5, [&] {
    team.run(kRows / step, [&](std::size_t item, std::size_t) {
      math.product({.rows = step,
                    .n = kColumns,
                    .depth = kDepth,
                    .a = a.data() + item * step * lda,
                    .lda = lda,
                    .b = linear.panels.data(),
                    .b_depth = kDepth,
                    .c = c.data() + item * step * ldc,
                    .ldc = ldc});
    });
  });
}

// Multiplications and additions of all matrix products of an encode.
double flops(const EncoderPlan& plan) {
  double total = 0;
  double side = static_cast<double>(plan.image_size) / 4, width = static_cast<double>(plan.embed_dim);
  total += 2 * side * side * 3 * static_cast<double>(plan.patch_kernel[0] * plan.patch_kernel[1]) * width;
  for (const EncoderBlock& b : plan.blocks) {
    const double in = side * side, w = static_cast<double>(b.width), hidden = static_cast<double>(b.hidden);
    const double out_side = b.pools ? side / 2 : side, out = out_side * out_side;
    const double keys = b.window == 0 ? in : std::min(in, static_cast<double>(b.window * b.window));
    total += 2 * in * width * 3 * w + 4 * out * keys * w + 2 * out * w * w + 4 * out * w * hidden;
    if (b.width != static_cast<std::size_t>(width)) total += 2 * in * width * w;
    side = out_side;
    width = w;
  }
  return total;
}

template <class T>
void measure(const RandomEncoder& model, Precision precision, const char* name, std::size_t threads, std::size_t runs) {
  const auto encoder = model.make(precision);
  const std::vector<float> pixels = model.pixels(2);
  const double work = flops(model.plan);
  std::vector<double> wall, share;
  for (std::size_t i = 0; i < runs; ++i) {
    const Seconds product = matrix_product<T>(threads);
    const Seconds time = median(1, [&] { (void)encoder->encode(pixels, {.threads = threads}); });
    const double rate = kFlops / product.cpu;
    std::printf("%-9s %8.1f ms, %8.1f ms CPU; product %5.1f GFLOP/s a CPU second, encoder %5.1f: %.0f %%\n", name, time.wall * 1e3,
                time.cpu * 1e3, rate / 1e9, work / time.cpu / 1e9, 100 * work / time.cpu / rate);
  }
}

}  // namespace

// Threads and runs are given as to decoder_bench; the rest differs.
int main(int argc, char** argv) {
  const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : std::max(1u, std::thread::hardware_concurrency());
  const std::size_t runs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 3;
  const RandomEncoder model(1, plan_of(official_encoder(argc > 3 ? argv[3] : "small")));
  std::printf("%s, %zu threads, %.0f GFLOP in matrix products\n", encoder::kernels().name, threads, flops(model.plan) / 1e9);
  measure<float>(model, Precision::float32, "float32", threads, runs);
  if (argc > 4) measure<std::uint16_t>(model, Precision::bfloat16, "bfloat16", threads, runs);
  return 0;
}
