#include "nano/cpu/weights.h"

#include <algorithm>

#include "needed_tensor.h"
#include "unsam/nano.h"

namespace unsam::nano {
namespace {

// More channels than any such network has; sizes of maps cannot overflow.
constexpr std::size_t kMostChannels = 4096;
constexpr std::size_t kBorderChannels = 2;
constexpr const char* kOwner = "the nano model";

class NanoPacker {
 public:
  NanoPacker(const encoder::Kernels& kernels, const TensorMap& tensors) : math_(kernels.float32), tensors_(tensors) {}

  std::size_t whole_vectors(std::size_t n) const { return encoder::round_up(n, math_.column_step); }

  bool has(const std::string& name) const { return tensors_.contains(name); }

  // Outputs of a layer, as its bias says. Throws Error(bad_checkpoint).
  std::size_t outputs(const std::string& name) const {
    const TensorView& bias = needed_tensor(tensors_, name + ".bias", kOwner);
    const std::size_t n = bias.shape.size() == 1 ? bias.shape[0] : 0;
    if (n < 1 || n > kMostChannels || bias.data.size() != n) {
      throw Error(ErrorCode::bad_checkpoint, "The tensor \"" + name + ".bias\" has shape " + shape_text(bias.shape) +
                                                 "; a bias of the nano model has 1 to " + std::to_string(kMostChannels) + " values.");
    }
    return n;
  }

  // `skipped`: outputs of other layers that come first in the same product. `ld`: channels of the incoming map with its zeros.
  ConvolutionWeights convolution(const std::vector<std::string>& names, std::size_t in, std::size_t ld, std::size_t kernel,
                                 std::size_t stride = 1, std::size_t skipped = 0) {
    std::vector<const float*> rows(skipped, nullptr);
    std::vector<float> biases(skipped, 0.0f);
    const std::size_t inputs = in * kernel * kernel;
    for (const std::string& name : names) {
      const std::size_t n = outputs(name);
      const float* weight = require(name + ".weight", {n, in, kernel, kernel});
      const float* bias = require(name + ".bias", {n});
      for (std::size_t i = 0; i < n; ++i) rows.push_back(weight + i * inputs);
      biases.insert(biases.end(), bias, bias + n);
    }
    ConvolutionWeights made{rows.size(), in, kernel, stride, whole_vectors(rows.size()), {}, {}};
    made.linear.pack(math_, rows.size(), kernel * kernel * ld, [&](std::size_t output, std::size_t at) {
      const std::size_t position = at / ld, channel = at % ld;
      if (channel >= in || rows[output] == nullptr) return 0.0;
      return static_cast<double>(rows[output][channel * kernel * kernel + position]);
    });
    made.linear.reserve_bias(rows.size());
    std::copy(biases.begin(), biases.end(), made.linear.bias.data());
    bytes += made.linear.bytes();
    return made;
  }

  // The same as a 3 x 3 convolution at stride 1, on maps whose sides are even.
  ConvolutionWeights winograd(std::size_t in, const std::string& name) {
    const std::size_t n = outputs(name), ld = whole_vectors(in);
    const float* weight = require(name + ".weight", {n, in, 3, 3});
    ConvolutionWeights made{n, in, 3, 1, whole_vectors(n), {}, std::vector<encoder::Linear<float>>(kWinograd)};
    for (std::size_t k = 0; k < kWinograd; ++k) {
      made.winograd[k].pack(math_, n, ld, [&](std::size_t output, std::size_t channel) {
        return channel < in ? transformed(weight + (output * in + channel) * 9, k / 4, k % 4) : 0.0;
      });
      bytes += made.winograd[k].panels_size * sizeof(float);
    }
    const float* bias = require(name + ".bias", {n});
    made.linear.reserve_bias(n);
    std::copy_n(bias, n, made.linear.bias.data());
    return made;
  }

  // From a map with the outputs of another convolution.
  ConvolutionWeights after(std::size_t in, const std::string& name, std::size_t kernel, std::size_t stride = 1) {
    return convolution({name}, in, whole_vectors(in), kernel, stride);
  }

  std::size_t bytes = 0;

 private:
  // Row y, column x of G g G', for g [3][3].
  static double transformed(const float* g, std::size_t y, std::size_t x) {
    constexpr double kG[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) sum += kG[y][i] * static_cast<double>(g[3 * i + j]) * kG[x][j];
    }
    return sum;
  }

  const float* require(const std::string& name, const std::vector<std::size_t>& shape) const {
    return needed_values(tensors_, name, shape, kOwner).data();  // at most 4096 x 4096 x 5 x 5
  }

  const encoder::Math<float>& math_;
  const TensorMap& tensors_;
};

}  // namespace

Weights::Weights(const encoder::Kernels& kernels, const TensorMap& tensors) {
  NanoPacker pack(kernels, tensors);
  stem[0] = pack.convolution({"stem.0"}, kNanoInputChannels, kNanoInputChannels, 5, 2);
  stem[1] = pack.after(stem[0].out, "stem.1", 3);
  std::size_t widths[kStages + 1] = {stem[1].out};
  for (std::size_t k = 0; k < kStages; ++k) {
    const std::string name = "stages." + std::to_string(k) + ".";
    stages[k].down = pack.after(widths[k], name + "0", 3, 2);
    const std::size_t width = widths[k + 1] = stages[k].down.out;
    for (std::size_t block = 1; pack.has(name + std::to_string(block) + ".first.weight"); ++block) {
      const std::string of_block = name + std::to_string(block);
      // The coarsest maps have odd sides where the image's are odd multiples of the stride.
      const auto convolution = [&](std::size_t in, const std::string& layer) {
        return k == kStages - 1 ? pack.after(in, layer, 3) : pack.winograd(in, layer);
      };
      ConvolutionWeights first = convolution(width, of_block + ".first");
      ConvolutionWeights second = convolution(first.out, of_block + ".second");
      if (second.out != width) {
        throw Error(ErrorCode::bad_checkpoint, "The block \"" + of_block + "\" of the nano model puts out " +
                                                   std::to_string(second.out) + " channels where its shortcut has " +
                                                   std::to_string(width) + ".");
      }
      stages[k].blocks.emplace_back(std::move(first), std::move(second));
    }
  }
  std::size_t coarser = widths[kStages];
  for (std::size_t k = kStages; k-- > 0;) {
    const std::string number = std::to_string(k);
    lateral[k] = pack.after(widths[k], "lateral." + number, 1);
    smooth[k] = pack.winograd(lateral[k].out, "smooth." + number);
    const std::string name = k == kStages - 1 ? "top" : "reduce." + number;
    below[k] = pack.after(coarser, name, 1);
    if (below[k].out != lateral[k].out) {
      throw Error(ErrorCode::bad_checkpoint, "The layer \"" + name + "\" of the nano model puts out " + std::to_string(below[k].out) +
                                                 " channels where \"lateral." + number + "\" has " +
                                                 std::to_string(lateral[k].out) + ".");
    }
    coarser = smooth[k].out;
  }
  heads = pack.convolution({"boundary", "metric"}, coarser, pack.whole_vectors(coarser), 1);
  if (pack.outputs("boundary") != kBorderChannels) {
    throw Error(ErrorCode::bad_checkpoint, "The layer \"boundary\" of the nano model must put out a border and its height.");
  }
  colour = pack.convolution({"colour"}, kNanoInputChannels, kNanoInputChannels, 2, 2, kBorderChannels);
  dimensions = heads.out - kBorderChannels;
  if (colour.out != heads.out) {
    throw Error(ErrorCode::bad_checkpoint, "The layers \"metric\" and \"colour\" of the nano model differ in their channels.");
  }
  bytes = pack.bytes;
}

}  // namespace unsam::nano
