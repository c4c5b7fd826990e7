// The decoder at the official size (4096 image tokens, random weights) against this machine's own float32
// matrix-product rate. Usage: decoder_bench [threads] [runs]
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cpu/isa.h"
#include "cpu/layout.h"
#include "decoder/cpu/buffer.h"
#include "measure.h"
#include "parallel/thread_team.h"
#include "random_model.h"

namespace {

using namespace unsam;

// Seconds for C = A B for 1536^3 float32, our own kernel on all threads, B packed in panels of [192][64].
Seconds matrix_product(std::size_t threads) {
  constexpr std::size_t n = 1536, depth = 192;
  const Kernels& k = kernels();
  Buffer<float> a(n * n), b(n * n), c(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = b[i] = static_cast<float>(i % 7) - 3.0f;
  ThreadTeam team(threads);
  constexpr std::size_t row_step = 192;
  return median(5, [&] {
    team.run(n / kLanes * (n / row_step), [&](std::size_t item, std::size_t) {
      const std::size_t panel = item / (n / row_step), row = item % (n / row_step) * row_step;
      float* out = c.data() + panel * kLanes * n + row * kLanes;
      for (std::size_t at = 0; at < n; at += depth) {
        k.gemm({row_step, depth, a.data() + row * n + at, n, b.data() + panel * kLanes * n + at * kLanes, out, kLanes,
                at == 0 ? nullptr : out, kLanes, nullptr});
      }
    });
  });
}
constexpr double kMatrixFlops = 2.0 * 1536 * 1536 * 1536;

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
  const Seconds product = matrix_product(threads);
  std::printf("%s, %zu threads; float32 matrix product 1536^3: %.0f GFLOP/s, %.0f per CPU second\n", kernels().name,
              threads, kMatrixFlops / product.wall / 1e9, kMatrixFlops / product.cpu / 1e9);
  std::printf("\"x\" = time of a prompt over the time of the reference's 3.677 GFLOP at the matrix-product rate just before;\n"
              "share = reduced FLOPs (%.0f M per prompt) over what that rate allows; both by wall and by CPU time.\n",
              reduced_flops(10, 4096) / 1e6);

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

  std::printf("%-9s %-20s %10s %10s %8s %8s %8s %8s\n", "precision", "prompts", "ms/prompt", "CPU ms", "x", "x (CPU)", "share",
              "(CPU)");
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && kernels().bf16 == nullptr) continue;
    const Decoder decoder(model.weights(), {precision});
    const char* name = precision == Precision::float32 ? "float32" : "bfloat16";
    const Seconds prepare = median(3, [&] { (void)decoder.prepare(features.view(), threads); });
    std::printf("%-9s %-20s %10.2f %10.2f\n", name, "prepare an image", prepare.wall * 1e3, prepare.cpu * 1e3);
    const auto image = decoder.prepare(features.view(), threads);
    const auto row = [&](const char* what, std::span<const Prompt> batch) {
      const double n = static_cast<double>(batch.size());
      const Seconds matrix = matrix_product(threads);
      const Seconds time = median(batch.size() > 16 ? std::max<std::size_t>(runs / 3, 3) : runs,
                                  [&] { (void)decoder.decode(*image, batch, {false, threads}); });
      const auto x = [&](double seconds, double product_seconds) {
        return seconds / n / (product_seconds * 3.677e9 / kMatrixFlops);
      };
      const double reduced = reduced_flops(10, 4096) / 3.677e9;
      const double wall = x(time.wall, matrix.wall), cpu = x(time.cpu, matrix.cpu);
      std::printf("%-9s %-20s %10.2f %10.2f %8.2f %8.2f %7.0f%% %7.0f%%\n", name, what, time.wall / n * 1e3, time.cpu / n * 1e3,
                  wall, cpu, 100 * reduced / wall, 100 * reduced / cpu);
    };
    row("1", std::span(prompts).first(1));
    row("8 (ladder)", std::span(prompts).first(8));
    row("64", prompts);
    row("1 with mask prompt", std::span(masked).first(1));
    row("8 with mask prompt", masked);
  }
  return 0;
}
