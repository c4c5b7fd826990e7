// Runs a libFuzzer target without libFuzzer: a fixed sequence of inputs, random ones and grown from structured seeds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Usage: NAME_loop [inputs]
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20000;
  std::mt19937_64 random(7);
  std::vector<std::uint8_t> kept;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::uint8_t> input(random() % 300);
    // Small bytes make plausible sizes and counts, characters of the RLE alphabet plausible texts.
    const std::uint64_t kind = random() % 4;
    for (std::uint8_t& byte : input) {
      const std::uint64_t r = random();
      byte = static_cast<std::uint8_t>(kind == 0 ? r : kind == 1 ? 48 + r % 64 : kind == 2 ? r % 9 : (r % 4 ? 0 : r % 5));
    }
    if (random() % 3 == 0 && !kept.empty()) {
      input = kept;
      for (int change = 0; change < 3; ++change) input[random() % input.size()] = static_cast<std::uint8_t>(random());
    }
    if (!input.empty() && random() % 10 == 0) kept = input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("ok    %d inputs\n", rounds);
  return 0;
}
