#include "reference_nano.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace test {
namespace {

// [channels][height][width]
struct Planes {
  std::size_t channels, height, width;
  std::vector<double> values;

  Planes(std::size_t c, std::size_t h, std::size_t w) : channels(c), height(h), width(w), values(c * h * w) {}
  double& at(std::size_t c, std::size_t y, std::size_t x) { return values[(c * height + y) * width + x]; }
  double at(std::size_t c, std::size_t y, std::size_t x) const { return values[(c * height + y) * width + x]; }
};

class Network {
 public:
  explicit Network(const unsam::RandomNano& model) : model_(model) {}

  Planes convolve(const std::string& name, const Planes& in, std::size_t stride = 1) const {
    const std::vector<std::size_t>& shape = model_.shapes.at(name + ".weight");
    const std::vector<float>& weight = model_.values.at(name + ".weight");
    const std::vector<float>& bias = model_.values.at(name + ".bias");
    const std::size_t kernel = shape[2];
    const auto padding = static_cast<std::ptrdiff_t>(kernel % 2 == 1 ? kernel / 2 : 0);
    Planes out(shape[0], in.height / stride, in.width / stride);
    for (std::size_t o = 0; o < out.channels; ++o) {
      for (std::size_t y = 0; y < out.height; ++y) {
        for (std::size_t x = 0; x < out.width; ++x) {
          double sum = bias[o];
          for (std::size_t c = 0; c < in.channels; ++c) {
            for (std::size_t i = 0; i < kernel; ++i) {
              for (std::size_t j = 0; j < kernel; ++j) {
                const auto from_y = static_cast<std::ptrdiff_t>(y * stride + i) - padding;
                const auto from_x = static_cast<std::ptrdiff_t>(x * stride + j) - padding;
                if (from_y < 0 || from_x < 0 || from_y >= static_cast<std::ptrdiff_t>(in.height) ||
                    from_x >= static_cast<std::ptrdiff_t>(in.width)) {
                  continue;
                }
                sum += weight[((o * in.channels + c) * kernel + i) * kernel + j] *
                       in.at(c, static_cast<std::size_t>(from_y), static_cast<std::size_t>(from_x));
              }
            }
          }
          out.at(o, y, x) = sum;
        }
      }
    }
    return out;
  }

 private:
  const unsam::RandomNano& model_;
};

Planes relu(Planes x) {
  for (double& v : x.values) v = std::max(v, 0.0);
  return x;
}

Planes sum(Planes a, const Planes& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
  return a;
}

Planes doubled(const Planes& in) {
  Planes out(in.channels, 2 * in.height, 2 * in.width);
  for (std::size_t c = 0; c < out.channels; ++c) {
    for (std::size_t y = 0; y < out.height; ++y) {
      for (std::size_t x = 0; x < out.width; ++x) out.at(c, y, x) = in.at(c, y / 2, x / 2);
    }
  }
  return out;
}

}  // namespace

ReferenceCues reference_nano(const unsam::RandomNano& model, const std::vector<float>& pixels, std::size_t width,
                             std::size_t height) {
  const Network network(model);
  Planes image(4, height, width);
  std::copy(pixels.begin(), pixels.end(), image.values.begin());
  std::vector<Planes> levels = {relu(network.convolve("stem.1", relu(network.convolve("stem.0", image, 2))))};
  for (std::size_t k = 0; k < 4; ++k) {
    const std::string stage = "stages." + std::to_string(k) + ".";
    Planes x = relu(network.convolve(stage + "0", levels[k], 2));
    for (std::size_t block = 1; block <= model.sizes.blocks[k]; ++block) {
      const std::string name = stage + std::to_string(block);
      x = relu(sum(network.convolve(name + ".second", relu(network.convolve(name + ".first", x))), x));
    }
    levels.push_back(x);
  }
  Planes below = network.convolve("top", levels[4]);
  for (std::size_t k = 4; k-- > 0;) {
    const std::string number = std::to_string(k);
    const Planes merged = relu(sum(network.convolve("lateral." + number, levels[k]), doubled(below)));
    below = relu(network.convolve("smooth." + number, merged));
    if (k > 0) below = network.convolve("reduce." + std::to_string(k - 1), below);
  }
  Planes border = network.convolve("boundary", below);
  for (double& v : border.values) v = 1 / (1 + std::exp(-v));
  const auto half = border.values.begin() + static_cast<std::ptrdiff_t>(border.values.size() / 2);
  return {{border.values.begin(), half},
          {half, border.values.end()},
          sum(network.convolve("metric", below), network.convolve("colour", image, 2)).values};
}

}  // namespace test
