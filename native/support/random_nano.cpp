#include "random_nano.h"

namespace unsam {

NanoSizes published_nano() {
  return {{16, 16}, {48, 96, 192, 256}, {2, 2, 3, 2}, {48, 96, 192, 256}, {24, 48, 64, 128}, {24, 48, 64, 128}, 16};
}

RandomNano::RandomNano(std::uint64_t seed, const NanoSizes& given) : RandomTensors(seed), sizes(given) {
  const auto layer = [&](const std::string& name, std::size_t out, std::size_t in, std::size_t kernel) {
    add_weight(name + ".weight", {out, in, kernel, kernel});
    add(name + ".bias", {out}, 0.1f);
  };
  layer("stem.0", sizes.stem[0], kNanoInputChannels, 5);
  layer("stem.1", sizes.stem[1], sizes.stem[0], 3);
  std::size_t width = sizes.stem[1];
  for (std::size_t k = 0; k < 4; ++k) {
    const std::string number = std::to_string(k), stage = "stages." + number + ".";
    layer("lateral." + number, sizes.lateral[k], width, 1);
    layer("smooth." + number, sizes.smooth[k], sizes.lateral[k], 3);
    layer(stage + "0", sizes.widths[k], width, 3);
    width = sizes.widths[k];
    for (std::size_t block = 1; block <= sizes.blocks[k]; ++block) {
      layer(stage + std::to_string(block) + ".first", sizes.inner[k], width, 3);
      layer(stage + std::to_string(block) + ".second", width, sizes.inner[k], 3);
    }
    if (k < 3) layer("reduce." + number, sizes.lateral[k], sizes.smooth[k + 1], 1);
  }
  layer("top", sizes.lateral[3], width, 1);
  layer("boundary", 2, sizes.smooth[0], 1);
  layer("metric", sizes.metric, sizes.smooth[0], 1);
  layer("colour", sizes.metric, kNanoInputChannels, 2);
}

std::vector<float> RandomNano::pixels(std::uint64_t seed, std::size_t width, std::size_t height) {
  return normal_values(seed, kNanoInputChannels * width * height);
}

}  // namespace unsam
