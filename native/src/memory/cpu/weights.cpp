#include "memory/cpu/weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "needed_tensor.h"

namespace unsam::memory {
namespace {

using encoder::padded;

// A layer of a checkpoint, [out][in] and [out].
struct Source {
  std::span<const float> weight, bias;
  std::size_t out, in;
  double at(std::size_t o, std::size_t i) const { return weight[o * in + i]; }
};

class MemoryPacker {
 public:
  MemoryPacker(const encoder::Kernels& kernels, const TensorMap& tensors) : math_(kernels.float32), tensors_(tensors) {}

  std::size_t whole_vectors(std::size_t n) const { return encoder::round_up(n, math_.column_step); }

  std::span<const float> get(const std::string& name, const std::vector<std::size_t>& shape) const {
    return needed_values(tensors_, name, shape, "the memory");  // sides were checked with the plan
  }

  Source source(const std::string& name, std::size_t out, std::size_t in, bool convolution = false) const {
    const std::vector<std::size_t> shape = convolution ? std::vector<std::size_t>{out, in, 1, 1} : std::vector<std::size_t>{out, in};
    return {get(name + ".weight", shape), get(name + ".bias", {out}), out, in};
  }

  Buffer<float> vector(const std::string& name, std::size_t n) {
    const auto values = get(name, {n});
    Buffer<float> made(padded(n));
    std::fill_n(made.data(), padded(n), 0.0f);
    std::copy(values.begin(), values.end(), made.data());
    bytes += padded(n) * sizeof(float);
    return made;
  }

  // weight(output, input), bias(output), as doubles.
  template <class Weight, class Bias>
  Linear<float> linear(std::size_t out, std::size_t in, Weight weight, Bias bias) {
    Linear<float> made;
    made.pack(math_, out, in, weight);
    made.reserve_bias(out);
    for (std::size_t o = 0; o < out; ++o) made.bias[o] = static_cast<float>(bias(o));
    bytes += made.bytes();
    return made;
  }

  Linear<float> plain(const Source& s) {
    return linear(s.out, s.in, [&](std::size_t o, std::size_t i) { return s.at(o, i); }, [&](std::size_t o) { return double{s.bias[o]}; });
  }

  // Of what a norm without gain and offset gives; `sorted`: outputs in the order of a rotation; all of them times `scale`.
  Linear<float> normed(const Source& s, const std::string& norm, bool sorted = false, double scale = 1.0) {
    const auto gain = get(norm + ".weight", {s.in}), offset = get(norm + ".bias", {s.in});
    const auto from = [=, half = s.out / 2](std::size_t o) { return !sorted ? o : o < half ? 2 * o : 2 * (o - half) + 1; };
    return linear(
        s.out, s.in, [&](std::size_t o, std::size_t i) { return scale * s.at(from(o), i) * gain[i]; },
        [&](std::size_t o) {
          double sum = s.bias[from(o)];
          for (std::size_t i = 0; i < s.in; ++i) sum += s.at(from(o), i) * offset[i];
          return scale * sum;
        });
  }

  // `after` of `before`, of inputs that are given a gain and an offset first.
  Linear<float> joined(const Source& after, const Source& before, std::span<const float> gain, std::span<const float> offset) {
    std::vector<double> product(after.out * before.in, 0.0), bias(after.out);
    for (std::size_t o = 0; o < after.out; ++o) {
      bias[o] = after.bias[o];
      double* row = product.data() + o * before.in;
      for (std::size_t v = 0; v < after.in; ++v) {
        const double factor = after.at(o, v);
        bias[o] += factor * before.bias[v];
        for (std::size_t i = 0; i < before.in; ++i) row[i] += factor * before.at(v, i);
      }
      for (std::size_t i = 0; i < before.in && !gain.empty(); ++i) {
        bias[o] += row[i] * offset[i];
        row[i] *= gain[i];
      }
    }
    return linear(after.out, before.in, [&](std::size_t o, std::size_t i) { return product[o * before.in + i]; },
                  [&](std::size_t o) { return bias[o]; });
  }

  // `ld`: channels of a position on the incoming map.
  DownsamplingWeights downsampling(const std::string& name, std::size_t index, std::size_t out, std::size_t in, std::size_t ld) {
    const std::string at = name + std::to_string(3 * index), norm = name + std::to_string(3 * index + 1);
    const auto weight = get(at + ".weight", {out, in, 3, 3}), bias = get(at + ".bias", {out});
    DownsamplingWeights made{out, in, whole_vectors(out), {}, vector(norm + ".weight", out), vector(norm + ".bias", out)};
    made.linear = linear(
        out, 9 * ld,
        [&](std::size_t o, std::size_t k) {
          const std::size_t position = k / ld, channel = k % ld;
          return channel < in ? double{weight[(o * in + channel) * 9 + position]} : 0.0;
        },
        [&](std::size_t o) { return double{bias[o]}; });
    return made;
  }

  FuserWeights fuser(const std::string& name, std::size_t width, std::size_t hidden) {
    constexpr std::size_t taps = kFuserKernel * kFuserKernel;
    const auto weight = get(name + "dwconv.weight", {width, 1, kFuserKernel, kFuserKernel}), gamma = get(name + "gamma", {width});
    FuserWeights made{Buffer<float>(taps * padded(width)), vector(name + "dwconv.bias", width),
                      normed(source(name + "pwconv1", hidden, width), name + "norm"), {}};
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t c = 0; c < padded(width); ++c) {
        made.depthwise[tap * padded(width) + c] = c < width ? weight[c * taps + tap] : 0.0f;
      }
    }
    const Source second = source(name + "pwconv2", width, hidden);
    made.second = linear(width, hidden, [&](std::size_t o, std::size_t i) { return gamma[o] * second.at(o, i); },
                         [&](std::size_t o) { return double{gamma[o]} * second.bias[o]; });
    bytes += taps * padded(width) * sizeof(float);
    return made;
  }

  std::size_t bytes = 0;

 private:
  const encoder::Math<float>& math_;
  const TensorMap& tensors_;
};

LayerWeights layer(MemoryPacker& pack, const std::string& name, const MemoryPlan& plan) {
  const std::size_t d = plan.width, m = plan.memory_width;
  const std::string self = name + "self_attn.", cross = name + "cross_attn_image.";
  const double scale = std::numbers::log2e / std::sqrt(static_cast<double>(d));
  const auto gain = pack.get(name + "norm1.weight", {d}), offset = pack.get(name + "norm1.bias", {d});
  const Source key = pack.source(cross + "k_proj", d, m);
  const auto sorted = [half = d / 2](std::size_t o) { return o < half ? 2 * o : 2 * (o - half) + 1; };
  LayerWeights made;
  made.self_query = pack.normed(pack.source(self + "q_proj", d, d), name + "norm1", true, scale);
  made.self_key = pack.normed(pack.source(self + "k_proj", d, d), name + "norm1", true);
  made.self_out = pack.joined(pack.source(self + "out_proj", d, d), pack.source(self + "v_proj", d, d), gain, offset);
  made.cross_query = pack.normed(pack.source(cross + "q_proj", d, d), name + "norm2", true, scale);
  made.cross_key = pack.linear(d, m, [&](std::size_t o, std::size_t i) { return key.at(sorted(o), i); },
                               [&](std::size_t o) { return double{key.bias[sorted(o)]}; });
  made.cross_out = pack.joined(pack.source(cross + "out_proj", d, d), pack.source(cross + "v_proj", d, m), {}, {});
  made.first = pack.normed(pack.source(name + "linear1", plan.feed_forward, d), name + "norm3");
  made.second = pack.plain(pack.source(name + "linear2", d, plan.feed_forward));
  return made;
}

}  // namespace

Weights::Weights(const MemoryPlan& plan, const encoder::Kernels& kernels, const TensorMap& tensors) {
  MemoryPacker pack(kernels, tensors);
  const std::size_t d = plan.width, m = plan.memory_width;
  for (std::size_t i = 0; i < plan.layers; ++i) layers.push_back(layer(pack, "memory_attention.layers." + std::to_string(i) + ".", plan));
  gain = pack.vector("memory_attention.norm.weight", d);
  offset = pack.vector("memory_attention.norm.bias", d);

  const std::string encoder = "memory_encoder.", sampler = encoder + "mask_downsampler.encoder.";
  const std::size_t channels[kDownsamplings + 1] = {1, 4, 16, 64, d};
  std::size_t ld = 1;
  for (std::size_t i = 0; i < kDownsamplings; ++i) {
    downsampling[i] = pack.downsampling(sampler, i, channels[i + 1], channels[i], ld);
    if (i + 1 == kDownsamplings) downsampling[i].channels = map_channels(d);
    ld = downsampling[i].channels;
  }
  const Source of_mask = pack.source(sampler + std::to_string(3 * kDownsamplings), d, d, true);
  mask = pack.plain(of_mask);
  features = pack.plain(pack.source(encoder + "pix_feat_proj", d, d, true));
  for (std::size_t o = 0; o < d; ++o) features.bias[o] += of_mask.bias[o];
  for (std::size_t i = 0; i < plan.fuser_layers; ++i) {
    fuser.push_back(pack.fuser(encoder + "fuser.layers." + std::to_string(i) + ".", d, plan.fuser_hidden));
  }
  out = pack.plain(pack.source(encoder + "out_proj", m, d, true));
  absent.assign(m, 0.0f);
  if (plan.absent_embedding) {
    const auto values = pack.get("no_obj_embed_spatial", {1, m});
    absent.assign(values.begin(), values.end());
  }
  bytes = pack.bytes;
}

}  // namespace unsam::memory
