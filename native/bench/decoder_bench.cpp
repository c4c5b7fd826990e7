// The decoder at the official size (4096 image tokens, random weights) against this machine's own float32
// matrix-product rate. Usage: decoder_bench [threads] [runs]
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cpu/isa.h"
#include "cpu/layout.h"
#include "decoder/buffer.h"
#include "measure.h"
#include "parallel/crew.h"
#include "random_model.h"

namespace {

using namespace unsam;

// FLOP/s of C = A B for 1536^3 float32, our own kernel on all threads, B packed in panels of [192][64].
double matrix_rate(std::size_t threads) {
  constexpr std::size_t n = 1536, depth = 192;
  const Kernels& k = kernels();
  Buffer<float> a(n * n), b(n * n), c(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = b[i] = static_cast<float>(i % 7) - 3.0f;
  Crew crew(threads);
  constexpr std::size_t row_step = 192;
  const double seconds = median_seconds(5, [&] {
    crew.run(n / kLanes * (n / row_step), [&](std::size_t item, std::size_t) {
      const std::size_t panel = item / (n / row_step), row = item % (n / row_step) * row_step;
      float* out = c.data() + panel * kLanes * n + row * kLanes;
      for (std::size_t at = 0; at < n; at += depth) {
        k.gemm({row_step, depth, a.data() + row * n + at, n, b.data() + panel * kLanes * n + at * kLanes, out, kLanes,
                at == 0 ? nullptr : out, kLanes, nullptr});
      }
    });
  });
  return 2.0 * n * n * n / seconds;
}

// FLOPs of the reduced plan for T tokens, 3 final queries (UnSAMv2), N image tokens; see docs/decisions.
double reduced_flops(double t, double n) {
  const double c = 8 * t, cf = 24;
  const double by_head = 2 * 128 * t * n;  // [T][16] x [16] per head and image token
  const double first = 2 * by_head;
  const double second = by_head * 2 + c * (c + 1) * n + by_head * 2 + 2 * c * c * n + by_head + 2 * c * c * n;
  const double third = by_head * 4 + 2 * c * c * n + 2 * c * (2 * c + 1) * n + 3 * 2 * 128 * 3 * n + 2 * 2 * cf * 2 * c * n;
  const double upscaling = 2 * 256 * 2 * c * n + 2 * 4 * 128 * 64 * n + 2 * 16 * 32 * n;
  const double tokens = 2 * t * (2 * (2 * 256 * 2048 + 4 * 256 * 256 + 4 * 256 * 128) + 256 * 128 * 2) + 2 * 3 * 3 * 256 * 256;
  return first + second + third + upscaling + tokens;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : std::max(1u, std::thread::hardware_concurrency());
  const std::size_t runs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
  constexpr std::size_t side = 64;
  const double rate = matrix_rate(threads);
  std::printf("%s, %zu threads: float32 matrix product 1536^3 at %.0f GFLOP/s\n", kernels().name, threads, rate / 1e9);

  const RandomModel model(1, true);
  const RandomFeatures features(2, side);
  std::mt19937_64 random(3);
  std::vector<RandomPrompt> owned;
  for (int i = 0; i < 64; ++i) owned.emplace_back(random, side, 1, true, false);
  std::vector<Prompt> prompts;
  for (const auto& p : owned) prompts.push_back(p.view());
  std::vector<RandomPrompt> masked_owned;
  for (int i = 0; i < 8; ++i) masked_owned.emplace_back(random, side, 1, true, true);
  std::vector<Prompt> masked;
  for (const auto& p : masked_owned) masked.push_back(p.view());

  std::printf("%-9s %-22s %10s %12s %18s %16s\n", "precision", "prompts", "ms", "ms/prompt", "x 3.68 GFLOP time", "reduced share");
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && kernels().gemm_bf16 == nullptr) continue;
    const Decoder decoder(model.weights(), {precision});
    const char* name = precision == Precision::float32 ? "float32" : "bfloat16";
    const double prepare = median_seconds(3, [&] { (void)decoder.prepare(features.view(), threads); });
    std::printf("%-9s %-22s %10.2f\n", name, "prepare", prepare * 1e3);
    const auto image = decoder.prepare(features.view(), threads);
    const auto row = [&](const char* what, std::span<const Prompt> batch) {
      const double seconds = median_seconds(batch.size() > 16 ? std::max<std::size_t>(runs / 3, 3) : runs,
                                            [&] { (void)decoder.decode(*image, batch, {false, threads}); });
      const double each = seconds / static_cast<double>(batch.size());
      std::printf("%-9s %-22s %10.2f %12.3f %18.3f %15.0f%%\n", name, what, seconds * 1e3, each * 1e3,
                  each * rate / 3.677e9, 100 * reduced_flops(10, 4096) / (each * rate));
    };
    row("1", std::span(prompts).first(1));
    row("8 (ladder)", std::span(prompts).first(8));
    row("64", prompts);
    row("1 with mask prompt", std::span(masked).first(1));
    row("8 with mask prompt", masked);
  }
  std::printf("reduced plan: %.0f MFLOP per prompt\n", reduced_flops(10, 4096) / 1e6);
  return 0;
}
