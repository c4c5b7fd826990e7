#include "decoder/cuda/constants.h"

#include <cmath>
#include <cstring>

namespace unsam::cuda {
namespace {

// Lays arrays out one behind the other. Run once without memory to learn the size, and once to copy.
class Layout {
 public:
  Layout(char* host, char* device) : host_(host), device_(device) {}

  template <typename T>
  const T* add(const T* data, std::size_t n) {
    const std::size_t at = size_;
    size_ += (n * sizeof(T) + 255) / 256 * 256;
    if (host_ == nullptr) return nullptr;
    std::memcpy(host_ + at, data, n * sizeof(T));
    return reinterpret_cast<const T*>(device_ + at);
  }
  const float* add(const Buffer<float>& data, std::size_t n) { return add(data.data(), n); }
  LinearView add(const Linear& linear, std::size_t out) {
    return {add(linear.panel(0), linear.panels() * linear.in() * kLanes), add(linear.bias(0), linear.panels() * kLanes),
            static_cast<int>(linear.in()), static_cast<int>((out + 7) / 8 * 8)};
  }
  NormView add(const LayerNorm& norm, std::size_t n) { return {add(norm.gain, n), add(norm.bias, n)}; }
  MlpView add(const Mlp& mlp, std::size_t out) {
    MlpView view{};
    view.depth = static_cast<int>(mlp.depth);
    for (std::size_t i = 0; i < mlp.depth; ++i) view.layers[i] = add(mlp.layers[i], i + 1 < mlp.depth ? kDim : out);
    return view;
  }
  std::size_t size() const { return size_; }

 private:
  char* host_;
  char* device_;
  std::size_t size_ = 0;
};

void lay_out(Layout& to, const Folded& f, bool bf16, Constants& out) {
  ConstantsView& v = out.view;
  v.products = to.add(f.products, kProductRows * (kDim + 1));
  v.position = to.add(f.position, kPositionRows * kDim);
  v.mask_products = to.add(f.mask_products, kProductRows * (kMaskChannels + 1));
  v.mask_embedding = to.add(f.mask_embedding, kDim * (kMaskChannels + 1));
  v.out_bias0 = to.add(f.out_bias0, kDim);
  v.gain1 = to.add(f.gain1, kDim);
  v.beta = to.add(f.beta, kDim);
  v.beta_square = f.beta_square;
  v.from_value1 = to.add(f.from_value1.panel(0), kFromValue1Panels * kInner * kLanes);
  v.from_value2 = to.add(f.from_value2.panel(0), kFromValue2Panels * kInner * kLanes);
  v.beta_value1 = to.add(f.beta_value1, kInner);
  v.beta_value2 = to.add(f.beta_value2, kInner);
  v.query1_shift = to.add(f.query1_shift, kInner);
  v.key_final_shift = to.add(f.key_final_shift, kInner);
  v.value0_shift = to.add(f.value0_shift, kInner);
  v.value1_shift = to.add(f.value1_shift, kInner);
  v.value_final_shift = to.add(f.value_final_shift, kInner);
  v.value_final_scaled = to.add(f.value_final_scaled, kInner);
  v.upscale_shift = to.add(f.upscale_shift, 4 * kUp1);
  v.upscale_bias = to.add(f.upscale_bias, 4 * kUp1);
  v.upscale1_bias = to.add(f.upscale1_bias, kUp0);
  v.upscale_norm = to.add(f.upscale_norm, kUp1);
  if (bf16) {
    v.upscale1 = to.add(f.upscale1_bf16.data(), 4 * kUp0 * kUp1);
  } else {
    v.upscale1 = to.add(f.upscale1, 4 * kUp0 * kUp1);
  }
  v.output_tokens = to.add(f.output_tokens, f.output_token_count * kDim);
  v.gaussian = to.add(f.gaussian, kDim);
  v.point_embeddings = to.add(f.point_embeddings, 4 * kDim);
  v.not_a_point = to.add(f.not_a_point, kDim);
  if (f.has_granularity) {
    v.granularity_embedding = to.add(f.granularity_embedding, kDim);
    float frequencies[64];
    for (int i = 0; i < 64; ++i) frequencies[i] = static_cast<float>(std::pow(100.0, i / 64.0));
    v.frequencies = to.add(frequencies, 64);
    for (int i = 0; i < 3; ++i) v.granularity[i] = to.add(f.granularity[i], i < 2 ? 192 : kDim);
  }
  v.mask_conv0 = to.add(f.mask_conv0, 16);
  v.mask_bias0 = to.add(f.mask_bias0, 4);
  v.mask_gain0 = to.add(f.mask_gain0, 4);
  v.mask_shift0 = to.add(f.mask_shift0, 4);
  v.mask_conv1 = to.add(f.mask_conv1, 256);
  v.mask_bias1 = to.add(f.mask_bias1, 16);
  v.mask_gain1 = to.add(f.mask_gain1, 16);
  v.mask_shift1 = to.add(f.mask_shift1, 16);

  for (int i = 0; i < 2; ++i) {
    const TokenLayer& layer = f.layers[i];
    out.layers[i] = {to.add(layer.self.q, kDim), to.add(layer.self.k, kDim), to.add(layer.self.v, kDim), to.add(layer.self.out, kDim),
                     to.add(layer.norm1, kDim), to.add(layer.norm2, kDim), to.add(layer.norm3, kDim),
                     to.add(layer.to_image_q, kInner), to.add(layer.to_image_out, kDim), to.add(layer.mlp0, kMlp),
                     to.add(layer.mlp1, kDim), to.add(layer.from_image_k, kInner), to.add(layer.from_image_v, kInner)};
  }
  out.final_q = to.add(f.final_q, kInner);
  out.final_out = to.add(f.final_out, kDim);
  out.final_norm = to.add(f.final_norm, kDim);
  out.iou_head = to.add(f.iou_head, kMaskTokens);
  out.object_head = to.add(f.object_head, 1);
  for (std::size_t i = 0; i < (f.has_granularity ? 1 : kMaskTokens); ++i) out.hyper[i] = to.add(f.hyper[i], kUp0);
}

}  // namespace

Constants::Constants(const Folded& folded, bool bf16, std::shared_ptr<MemoryPool> pool, const Stream& stream)
    : view{}, layers{}, final_q{}, final_out{}, final_norm{}, iou_head{}, object_head{}, hyper{} {
  Layout measure(nullptr, nullptr);
  lay_out(measure, folded, bf16, *this);
  const PinnedArray<char> host(measure.size());
  memory_ = DeviceArray<char>(std::move(pool), measure.size());
  std::memset(host.data(), 0, measure.size());
  Layout layout(host.data(), memory_.data());
  lay_out(layout, folded, bf16, *this);
  copy_to_device(memory_.data(), host.data(), measure.size(), stream.get());
  stream.synchronize();
}

}  // namespace unsam::cuda
