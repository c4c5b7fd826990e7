#include "encoder/cpu/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>

#include "needed_tensor.h"

namespace unsam::encoder {
namespace {

const std::string kTrunk = "image_encoder.trunk.";

constexpr const char* kOwner = "the encoder";

std::span<const float> get(const TensorMap& tensors, const std::string& name, const std::vector<std::size_t>& shape) {
  return needed_values(tensors, name, shape, kOwner);
}

using Copy = std::shared_ptr<const std::vector<float>>;

Copy copied(std::span<const float> values) { return std::make_shared<const std::vector<float>>(values.begin(), values.end()); }

}  // namespace

template <class T>
WeightPacker<T>::WeightPacker(const Shape& shape, const Math<T>& math, const TensorMap& vectors, Weights<T>& weights)
    : shape_(shape), math_(math), weights_(weights) {
  trunk(vectors);
  neck(vectors);
  for (const auto& [name, matrix] : matrices_) names_.push_back(name);
}

template <class T>
void WeightPacker<T>::expect(const std::string& name, std::vector<std::size_t> shape, Pack pack) {
  matrices_.emplace(name, Matrix{std::move(shape), std::move(pack)});
}

template <class T>
void WeightPacker<T>::load(const std::string& name, const TensorView& tensor) {
  const auto found = matrices_.find(name);
  if (found == matrices_.end()) {
    throw Error(ErrorCode::bad_checkpoint, "The encoder has no matrix \"" + name + "\".");
  }
  if (found->second.loaded) throw Error(ErrorCode::bad_checkpoint, "The matrix \"" + name + "\" was loaded already.");
  check_shape(name, tensor, found->second.shape, kOwner);
  found->second.pack(tensor.data);
  found->second.pack = nullptr;  // with the copies it holds
  found->second.loaded = true;
}

template <class T>
const std::string* WeightPacker<T>::missing() const {
  for (const auto& [name, matrix] : matrices_) {
    if (!matrix.loaded) return &name;
  }
  return nullptr;
}

template <class T>
void WeightPacker<T>::plain(const std::string& prefix, std::size_t outputs, std::size_t inputs, const TensorMap& vectors,
                            Linear<T>& linear) {
  linear.reserve_bias(outputs);
  std::ranges::copy(get(vectors, prefix + ".bias", {outputs}), linear.bias.data());
  expect(prefix + ".weight", {outputs, inputs}, [this, &linear, outputs, inputs](std::span<const float> w) {
    linear.pack(math_, outputs, inputs, [&](std::size_t o, std::size_t i) { return static_cast<double>(w[o * inputs + i]); });
  });
}

template <class T>
void WeightPacker<T>::normed(const std::string& prefix, const std::string& norm, std::size_t outputs, std::size_t inputs,
                             const TensorMap& vectors, Linear<T>& linear) {
  linear.reserve_bias(outputs);
  const Copy gain = copied(get(vectors, norm + ".weight", {inputs})), offset = copied(get(vectors, norm + ".bias", {inputs})),
             bias = copied(get(vectors, prefix + ".bias", {outputs}));
  expect(prefix + ".weight", {outputs, inputs}, [this, &linear, outputs, inputs, gain, offset, bias](std::span<const float> w) {
    linear.pack(math_, outputs, inputs,
                [&](std::size_t o, std::size_t i) { return static_cast<double>(w[o * inputs + i]) * (*gain)[i]; });
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = (*bias)[o];
      for (std::size_t i = 0; i < inputs; ++i) sum += static_cast<double>(w[o * inputs + i]) * (*offset)[i];
      linear.bias[o] = static_cast<float>(sum);
    }
  });
}

template <class T>
void WeightPacker<T>::trunk(const TensorMap& vectors) {
  const std::size_t width = shape_.plan.embed_dim, height = shape_.plan.patch_kernel[0], across = shape_.plan.patch_kernel[1];
  const std::string patch = kTrunk + "patch_embed.proj";
  weights_.patch.reserve_bias(width);
  std::ranges::copy(get(vectors, patch + ".bias", {width}), weights_.patch.bias.data());
  const std::size_t inputs = 3 * height * across;
  expect(patch + ".weight", {width, 3, height, across}, [this, width, inputs](std::span<const float> w) {
    weights_.patch.pack(math_, width, inputs, [&](std::size_t o, std::size_t i) { return static_cast<double>(w[o * inputs + i]); });
  });
  const std::size_t tokens = shape_.side * shape_.side, ld = padded(width);
  expect(kTrunk + "position_embedding", {tokens, width}, [this, tokens, width, ld](std::span<const float> values) {
    weights_.position.reserve(tokens * ld);
    for (std::size_t token = 0; token < tokens; ++token) {
      float* row = weights_.position.data() + token * ld;
      std::copy_n(values.data() + token * width, width, row);
      std::fill(row + width, row + ld, 0.0f);
    }
  });
  weights_.blocks.resize(shape_.blocks.size());
  for (const BlockShape& block_shape : shape_.blocks) block(vectors, block_shape, weights_.blocks[block_shape.index]);
}

template <class T>
void WeightPacker<T>::block(const TensorMap& vectors, const BlockShape& shape, BlockWeights<T>& weights) {
  const std::string name = kTrunk + "blocks." + std::to_string(shape.index) + ".";
  const std::size_t width = shape.width, inputs = shape.width_in, dim = shape.head_dim, ld = padded(3 * dim);
  if (shape.projects) normed(name + "proj", name + "norm1", width, inputs, vectors, weights.shortcut);
  plain(name + "attn.proj", width, width, vectors, weights.projection);
  normed(name + "mlp.layers.0", name + "norm2", shape.hidden, width, vectors, weights.first);
  plain(name + "mlp.layers.1", width, shape.hidden, vectors, weights.second);

  weights.heads.resize(shape.heads);
  for (Linear<T>& head : weights.heads) head.reserve_bias(3 * dim);
  const std::size_t padding = shape.heads * ld + kPad;  // whole vectors may be read
  weights.padding.reserve(padding);
  std::fill_n(weights.padding.data(), padding, 0.0f);
  const Copy gain = copied(get(vectors, name + "norm1.weight", {inputs})), offset = copied(get(vectors, name + "norm1.bias", {inputs})),
             bias = copied(get(vectors, name + "attn.qkv.bias", {3 * width}));
  // Softmax takes powers of 2: log2(e) goes with the scale into the queries.
  const double scale = std::numbers::log2e / std::sqrt(static_cast<double>(dim));
  expect(name + "attn.qkv.weight", {3 * width, inputs}, [=, this, &weights, heads = shape.heads](std::span<const float> w) {
    for (std::size_t h = 0; h < heads; ++h) {
      // Output `o` of the head among the checkpoint's, which are [3][head][dim].
      const auto row = [=](std::size_t o) { return o / dim * width + h * dim + o % dim; };
      const auto factor = [=](std::size_t o) { return o < dim ? scale : 1.0; };
      weights.heads[h].pack(math_, 3 * dim, inputs, [&](std::size_t o, std::size_t i) {
        return factor(o) * static_cast<double>(w[row(o) * inputs + i]) * (*gain)[i];
      });
      for (std::size_t o = 0; o < 3 * dim; ++o) {
        double sum = (*bias)[row(o)];
        weights.padding[h * ld + o] = static_cast<float>(factor(o) * sum);
        for (std::size_t i = 0; i < inputs; ++i) sum += static_cast<double>(w[row(o) * inputs + i]) * (*offset)[i];
        weights.heads[h].bias[o] = static_cast<float>(factor(o) * sum);
      }
    }
  });
}

// Each output is linear in the levels it sums: 1 x 1 convolutions in a row are one, and enlarging commutes with them.
template <class T>
void WeightPacker<T>::neck(const TensorMap& vectors) {
  const std::size_t width = shape_.plan.neck_width;
  const auto lateral_name = [](std::size_t level) { return "image_encoder.neck.convs." + std::to_string(3 - level) + ".conv"; };
  for (std::size_t o = 0; o < 3; ++o) {
    const OutputShape& output = shape_.outputs[o];
    const std::size_t channels = output.channels, base = output.base, terms = output.terms;
    std::span<const float> after;  // [channels, width]; empty: the identity
    std::vector<double> bias(channels, 0.0);
    const auto add = [&](const std::string& name, const std::vector<std::size_t>& shape) {
      const auto values = get(vectors, name, shape);
      for (std::size_t c = 0; c < channels; ++c) bias[c] += values[c];
    };
    if (o > 0) {
      const std::string name = "sam_mask_decoder.conv_s" + std::to_string(o - 1);
      after = get(vectors, name + ".weight", {channels, width, 1, 1});
      add(name + ".bias", {channels});
    } else if (shape_.plan.add_no_memory) {
      add("no_mem_embed", {1, 1, width});
    }
    weights_.outputs[o].resize(terms);
    double share = 1.0;
    for (std::size_t t = 0; t < terms; ++t) {
      const std::size_t level = base + t, inputs = shape_.level_width[level];
      if (shape_.plan.average && level < 3 && shape_.plan.top_down[level]) share *= 0.5;
      const auto lateral = get(vectors, lateral_name(level) + ".weight", {width, inputs, 1, 1});
      const auto lateral_bias = get(vectors, lateral_name(level) + ".bias", {width});
      std::vector<double> product(channels * inputs, 0.0);
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t m = after.empty() ? c : 0; m < (after.empty() ? c + 1 : width); ++m) {
          const double factor = share * (after.empty() ? 1.0 : after[c * width + m]);
          for (std::size_t i = 0; i < inputs; ++i) product[c * inputs + i] += factor * lateral[m * inputs + i];
          bias[c] += factor * lateral_bias[m];
        }
      }
      weights_.outputs[o][t].reserve_bias(channels);
      weights_.outputs[o][t].pack(math_, channels, inputs, [&](std::size_t c, std::size_t i) { return product[c * inputs + i]; });
    }
    for (std::size_t c = 0; c < channels; ++c) weights_.outputs[o][0].bias[c] = static_cast<float>(bias[c]);
  }
}

template class WeightPacker<float>;
template class WeightPacker<std::uint16_t>;

}  // namespace unsam::encoder
