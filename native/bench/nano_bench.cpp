// The network of the nano model with random weights: time, rate, and the most memory it took.
// Usage: nano_bench [width] [height] [threads] [runs]
#if defined(__linux__)
#include <sys/resource.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "encoder/cpu/kernels.h"
#include "measure.h"
#include "random_nano.h"

namespace {

using namespace unsam;

double products(const RandomNano& model, double pixels) {
  double total = 0;
  for (const auto& [name, shape] : model.shapes) {
    if (shape.size() != 4) continue;
    // Positions of the map that a layer makes, by the number in its name.
    const std::size_t dot = name.find('.');
    const int k = name[dot + 1] - '0';
    double scale = 4;
    if (name.starts_with("stages.")) scale = 4 << (2 * (k + 1));
    if (name.starts_with("lateral.") || name.starts_with("smooth.")) scale = 4 << (2 * k);
    if (name.starts_with("reduce.")) scale = 4 << (2 * (k + 1));
    if (name.starts_with("top.")) scale = 4 << 8;
    total += static_cast<double>(model.values.at(name).size()) * pixels / scale;
  }
  return total;
}

// 0 where it is not known.
double peak_megabytes() {
#if defined(__linux__)
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
#else
  return 0;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, std::size_t otherwise) { return argc > i ? std::strtoul(argv[i], nullptr, 10) : otherwise; };
  const std::size_t width = number(1, 640), height = number(2, 448);
  const std::size_t threads = number(3, std::max(1u, std::thread::hardware_concurrency())), runs = number(4, 5);
  const RandomNano model(1, published_nano());
  const NanoEncoder encoder(model.tensors());
  const std::vector<float> pixels = RandomNano::pixels(2, width, height);
  const double before = peak_megabytes();
  const Seconds time = median(runs, [&] { (void)encoder.encode({width, height, pixels}, {.threads = threads}); });
  const double flops = 2 * products(model, static_cast<double>(width * height));
  std::printf("%s, %zu x %zu, %zu threads: %.1f ms, %.1f ms CPU, %.1f GFLOP, %.1f GFLOP/s a CPU second, peak %.0f MB\n",
              encoder::kernels().name, width, height, threads, time.wall * 1e3, time.cpu * 1e3, flops / 1e9, flops / time.cpu / 1e9,
              peak_megabytes() - before);
  return 0;
}
