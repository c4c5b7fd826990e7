#include "decoder/folded.h"

#include <algorithm>
#include <string>

#include "decoder/cpu/bfloat16.h"
#include "decoder/matrix.h"

namespace unsam {
namespace {

const std::string kTransformer = "sam_mask_decoder.transformer.";

Buffer<float> copied(std::size_t n, const float* data) {
  Buffer<float> b(n);
  std::copy_n(data, n, b.data());
  return b;
}

Buffer<float> narrowed(const Matrix& m) {
  Buffer<float> b(m.v.size());
  std::transform(m.v.begin(), m.v.end(), b.data(), [](double x) { return static_cast<float>(x); });
  return b;
}

Matrix column(std::size_t n, const float* data) { return Matrix(n, 1, data); }

Matrix plus(Matrix a, const Matrix& b) {
  for (std::size_t i = 0; i < a.v.size(); ++i) a.v[i] += b.v[i];
  return a;
}

// Reads linear layers of the transformer as matrices and as packed layers.
struct Reader {
  const DecoderWeights& w;

  Matrix weight(const std::string& name, std::size_t out, std::size_t in) const {
    return Matrix(out, in, w.get(kTransformer + name + ".weight"));
  }
  Matrix bias(const std::string& name, std::size_t out) const {
    return column(out, w.get(kTransformer + name + ".bias"));
  }
  Linear linear(const std::string& name, std::size_t out, std::size_t in, float scale = 1.0f) const {
    return Linear(out, in, w.get(name + ".weight"), w.get(name + ".bias"), scale);
  }
  LayerNorm norm(const std::string& name, std::size_t n) const {
    return {copied(n, w.get(name + ".weight")), copied(n, w.get(name + ".bias"))};
  }
  Mlp mlp(const std::string& name, std::size_t out) const {
    Mlp m;
    for (int i = 0; i < 3; ++i) {
      m.layers[i] = linear(name + ".layers." + std::to_string(i), i < 2 ? kDim : out, kDim);
    }
    return m;
  }
};

// Stacks row blocks [rows][kDim + 1].
struct Stack {
  Matrix m;
  std::size_t next = 0;
  void add(const Matrix& block) {
    std::copy(block.v.begin(), block.v.end(), m.v.begin() + static_cast<std::ptrdiff_t>(next * m.cols));
    next += block.rows;
  }
};

// The first transposed convolution [in 256][out 64][2][2] as rows (2 dy + dx) * 64 + out.
Matrix first_upscaling(const DecoderWeights& w) {
  const float* data = w.get("sam_mask_decoder.output_upscaling.0.weight");
  Matrix m(4 * kUp1, kDim);
  for (std::size_t in = 0; in < kDim; ++in) {
    for (std::size_t out = 0; out < kUp1; ++out) {
      for (std::size_t sub = 0; sub < 4; ++sub) m.at(sub * kUp1 + out, in) = data[(in * kUp1 + out) * 4 + sub];
    }
  }
  return m;
}

// A map from values [kInner] to `rows` outputs as a packed layer without bias: head by head M[ht] = W_h v_ht.
Linear from_value(std::initializer_list<Matrix> maps) {
  std::size_t rows = 0;
  for (const Matrix& m : maps) rows += m.rows;
  Stack stack{Matrix(rows, kInner)};
  for (const Matrix& m : maps) stack.add(m);
  const Buffer<float> weight = narrowed(stack.m);
  return Linear(rows, kInner, weight.data(), nullptr);
}

std::string token_to_image(int layer) { return "layers." + std::to_string(layer) + ".cross_attn_token_to_image"; }
std::string image_to_token(int layer) { return "layers." + std::to_string(layer) + ".cross_attn_image_to_token"; }

// A map of (x0, 1) with a bias added to its last column.
Matrix with_bias(Matrix map, const float* bias) {
  for (std::size_t i = 0; i < kInner; ++i) map.at(i, kDim) += bias[i];
  return map;
}

// The first norm over image tokens, without a mask prompt.
void fold_first_norm(Folded& f, const DecoderWeights& weights, const float* g1, const float* bo0, const Matrix& beta_column) {
  const float* no_mask = weights.get("sam_prompt_encoder.no_mask_embed.weight");
  f.out_bias0 = copied(kDim, bo0);
  for (std::size_t i = 0; i < kDim; ++i) f.out_bias0[i] += static_cast<float>(no_mask[i]);
  f.gain1 = copied(kDim, g1);
  f.beta = narrowed(beta_column);
  double square = 0.0;
  for (const double b : beta_column.v) square += b * b;
  f.beta_square = static_cast<float>(square);
}

// What a mask prompt changes. `stack`: the image's products as maps of (x0, 1), unrounded.
void fold_mask_prompt(Folded& f, const DecoderWeights& weights, const Matrix& stack) {
  // x0 with a mask prompt minus x0 without: mask_downscaling.6 (bias in the last column) less no_mask_embed.
  Matrix mask(kDim, kMaskChannels + 1);
  const float* mask_weight = weights.get("sam_prompt_encoder.mask_downscaling.6.weight");
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t j = 0; j < kMaskChannels; ++j) mask.at(i, j) = mask_weight[i * kMaskChannels + j];
    mask.at(i, kMaskChannels) = double{weights.get("sam_prompt_encoder.mask_downscaling.6.bias")[i]} -
                                weights.get("sam_prompt_encoder.no_mask_embed.weight")[i];
  }
  f.mask_embedding = narrowed(mask);
  Matrix linear_part(kProductRows, kDim);
  for (std::size_t r = 0; r < kProductRows; ++r) {
    for (std::size_t c = 0; c < kDim; ++c) linear_part.at(r, c) = stack.at(r, c);
  }
  f.mask_products = narrowed(linear_part * mask);
  // The image's own products are taken without a mask prompt: fold no_mask_embed into the constant column.
  const Matrix no_mask = column(kDim, weights.get("sam_prompt_encoder.no_mask_embed.weight"));
  const Matrix constant = linear_part * no_mask;
  for (std::size_t r = 0; r < kProductRows; ++r) {
    f.products[r * (kDim + 1) + kDim] = static_cast<float>(stack.at(r, kDim) + constant.at(r, 0));
  }
}

// `bias`: what the last norm's offset adds to the first transposed convolution.
void fold_upscaling(Folded& f, const DecoderWeights& weights, const Reader& read, Matrix bias) {
  for (std::size_t i = 0; i < 4 * kUp1; ++i) {
    bias.v[i] += weights.get("sam_mask_decoder.output_upscaling.0.bias")[i % kUp1];
  }
  f.upscale_bias = narrowed(bias);
  f.upscale_norm = read.norm("sam_mask_decoder.output_upscaling.1", kUp1);
  const float* up1 = weights.get("sam_mask_decoder.output_upscaling.3.weight");  // [64][32][2][2]
  f.upscale1.reserve(4 * kUp0 * kUp1);
  for (std::size_t sub = 0; sub < 4; ++sub) {
    for (std::size_t out = 0; out < kUp0; ++out) {
      for (std::size_t in = 0; in < kUp1; ++in) {
        f.upscale1[(sub * kUp0 + out) * kUp1 + in] = up1[(in * kUp0 + out) * 4 + sub];
      }
    }
  }
  f.upscale1_bf16.reserve(4 * kUp0 * kUp1);
  to_bfloat16(4 * kUp0 * kUp1, f.upscale1.data(), f.upscale1_bf16.data());
  f.upscale1_bias = copied(kUp0, weights.get("sam_mask_decoder.output_upscaling.3.bias"));
}

void read_token_layers(Folded& f, const Reader& read) {
  constexpr float quarter = 0.25f;  // 1 / sqrt(kHeadDim), exact
  for (int i = 0; i < 2; ++i) {
    const std::string layer = kTransformer + "layers." + std::to_string(i);
    TokenLayer& to = f.layers[i];
    to.self = {read.linear(layer + ".self_attn.q_proj", kDim, kDim), read.linear(layer + ".self_attn.k_proj", kDim, kDim),
               read.linear(layer + ".self_attn.v_proj", kDim, kDim),
               read.linear(layer + ".self_attn.out_proj", kDim, kDim)};
    to.norm1 = read.norm(layer + ".norm1", kDim);
    to.norm2 = read.norm(layer + ".norm2", kDim);
    to.norm3 = read.norm(layer + ".norm3", kDim);
    to.to_image_q = read.linear(kTransformer + token_to_image(i) + ".q_proj", kInner, kDim, quarter);
    to.to_image_out = read.linear(kTransformer + token_to_image(i) + ".out_proj", kDim, kInner);
    to.mlp0 = read.linear(layer + ".mlp.layers.0", kMlp, kDim);
    to.mlp1 = read.linear(layer + ".mlp.layers.1", kDim, kMlp);
    to.from_image_k = read.linear(kTransformer + image_to_token(i) + ".k_proj", kInner, kDim, quarter);
    to.from_image_v = read.linear(kTransformer + image_to_token(i) + ".v_proj", kInner, kDim);
  }
  f.final_q = read.linear(kTransformer + "final_attn_token_to_image.q_proj", kInner, kDim, quarter);
  f.final_out = read.linear(kTransformer + "final_attn_token_to_image.out_proj", kDim, kInner);
  f.final_norm = read.norm(kTransformer + "norm_final_attn", kDim);
}

void read_heads(Folded& f, const DecoderWeights& weights, const Reader& read) {
  const std::string decoder = "sam_mask_decoder.";
  f.iou_head = read.mlp(decoder + "iou_prediction_head", kMaskTokens);
  if (weights.object_score_mlp()) {
    f.object_head = read.mlp(decoder + "pred_obj_score_head", 1);
  } else {
    f.object_head.depth = 1;
    f.object_head.layers[0] = read.linear(decoder + "pred_obj_score_head", 1, kDim);
  }
  if (f.has_granularity) {
    f.hyper[0] = read.mlp(decoder + "gra_output_token_mlp", kUp0);
  } else {
    for (std::size_t i = 0; i < kMaskTokens; ++i) {
      f.hyper[i] = read.mlp(decoder + "output_hypernetworks_mlps." + std::to_string(i), kUp0);
    }
  }
}

void read_tokens(Folded& f, const DecoderWeights& weights, const Reader& read) {
  const std::string decoder = "sam_mask_decoder.";
  f.output_token_count = f.has_granularity ? 7 : 6;
  f.output_tokens.reserve(f.output_token_count * kDim);
  std::copy_n(weights.get(decoder + "obj_score_token.weight"), kDim, f.output_tokens.data());
  std::copy_n(weights.get(decoder + "iou_token.weight"), kDim, f.output_tokens.data() + kDim);
  std::copy_n(weights.get(decoder + "mask_tokens.weight"), kMaskTokens * kDim, f.output_tokens.data() + 2 * kDim);
  const std::string prompt = "sam_prompt_encoder.";
  if (f.has_granularity) {
    std::copy_n(weights.get(decoder + "gra_token.weight"), kDim, f.output_tokens.data() + 6 * kDim);
    const char* names[] = {"0", "3", "6"};
    for (int i = 0; i < 3; ++i) {
      f.granularity[i] = read.linear(prompt + "fourier_embedder.mlp.mlp." + names[i], i < 2 ? 192 : kDim, i ? 192 : 128);
    }
    f.granularity_embedding = copied(kDim, weights.get(prompt + "granularity_embedding.weight"));
  }
  f.gaussian = copied(kDim, weights.get(prompt + "pe_layer.positional_encoding_gaussian_matrix"));
  f.point_embeddings.reserve(4 * kDim);
  for (std::size_t i = 0; i < 4; ++i) {
    std::copy_n(weights.get(prompt + "point_embeddings." + std::to_string(i) + ".weight"), kDim,
                f.point_embeddings.data() + i * kDim);
  }
  f.not_a_point = copied(kDim, weights.get(prompt + "not_a_point_embed.weight"));
  f.mask_conv0 = copied(16, weights.get(prompt + "mask_downscaling.0.weight"));
  f.mask_bias0 = copied(4, weights.get(prompt + "mask_downscaling.0.bias"));
  f.mask_gain0 = copied(4, weights.get(prompt + "mask_downscaling.1.weight"));
  f.mask_shift0 = copied(4, weights.get(prompt + "mask_downscaling.1.bias"));
  f.mask_conv1 = copied(256, weights.get(prompt + "mask_downscaling.3.weight"));
  f.mask_bias1 = copied(16, weights.get(prompt + "mask_downscaling.3.bias"));
  f.mask_gain1 = copied(16, weights.get(prompt + "mask_downscaling.4.weight"));
  f.mask_shift1 = copied(16, weights.get(prompt + "mask_downscaling.4.bias"));
}

}  // namespace

Folded::Folded(const DecoderWeights& weights) : has_granularity(weights.has_granularity()) {
  const Reader read{weights};
  // The chain of LayerNorms over image tokens (norm4 of both layers) as linear maps of (x0, 1).
  const float* g1 = weights.get(kTransformer + "layers.0.norm4.weight");
  const float* b1 = weights.get(kTransformer + "layers.0.norm4.bias");
  const float* g2 = weights.get(kTransformer + "layers.1.norm4.weight");
  const float* b2 = weights.get(kTransformer + "layers.1.norm4.bias");
  const float* bo0 = weights.get(kTransformer + image_to_token(0) + ".out_proj.bias");
  const float* bo1 = weights.get(kTransformer + image_to_token(1) + ".out_proj.bias");
  Matrix x0(kDim, kDim + 1), shifted(kDim, kDim + 1);
  for (std::size_t i = 0; i < kDim; ++i) {
    x0.at(i, i) = shifted.at(i, i) = 1.0;
    shifted.at(i, kDim) = bo0[i];
  }
  const Matrix gx = scaled_rows(g1, centred(shifted));
  const Matrix y0 = centred(gx);
  const Matrix gy = scaled_rows(g2, y0);
  const Matrix centred_x = centred(shifted);
  const Matrix beta_column = centred(plus(column(kDim, b1), column(kDim, bo1)));
  const Matrix g2_beta = scaled_rows(g2, beta_column);

  const Matrix wo0 = centred(read.weight(image_to_token(0) + ".out_proj", kDim, kInner));
  const Matrix wo1 = centred(read.weight(image_to_token(1) + ".out_proj", kDim, kInner));
  const Matrix wo0_t = transposed(wo0), wo1_t = transposed(wo1);
  const Matrix g1_wo0 = scaled_rows(g1, wo0);
  const Matrix n1 = centred(g1_wo0);  // M1 as it arrives in r2
  const Matrix g2_n1 = scaled_rows(g2, n1), g2_wo1 = scaled_rows(g2, wo1);

  const Matrix wk0 = read.weight(token_to_image(0) + ".k_proj", kInner, kDim);
  const Matrix wv0 = read.weight(token_to_image(0) + ".v_proj", kInner, kDim);
  const Matrix wq0 = read.weight(image_to_token(0) + ".q_proj", kInner, kDim);
  const Matrix wk1 = read.weight(token_to_image(1) + ".k_proj", kInner, kDim);
  const Matrix wv1 = read.weight(token_to_image(1) + ".v_proj", kInner, kDim);
  const Matrix wq1 = read.weight(image_to_token(1) + ".q_proj", kInner, kDim);
  const Matrix wkf = read.weight("final_attn_token_to_image.k_proj", kInner, kDim);
  const Matrix wvf = read.weight("final_attn_token_to_image.v_proj", kInner, kDim);
  const Matrix wd = first_upscaling(weights);

  Stack stack{Matrix(kProductRows, kDim + 1)};
  stack.add(wk0 * x0);
  stack.add(wv0 * x0);
  stack.add(with_bias(wq0 * x0, weights.get(kTransformer + image_to_token(0) + ".q_proj.bias")));
  stack.add(wo0_t * centred_x);
  stack.add(wk1 * gx);
  stack.add(wv1 * gx);
  stack.add(wq1 * gx);
  stack.add(transposed(g1_wo0) * y0);
  stack.add(wo1_t * y0);
  stack.add(wkf * gy);
  stack.add(wvf * gy);
  stack.add(wd * gy);
  products = narrowed(stack.m);

  fold_mask_prompt(*this, weights, stack.m);

  Stack positions{Matrix(kPositionRows, kDim)};
  for (const Matrix* m : {&wk0, &wq0, &wk1, &wq1, &wkf}) positions.add(*m);
  position = narrowed(positions.m);

  fold_first_norm(*this, weights, g1, bo0, beta_column);
  from_value1 = from_value({wo0_t * wo0, transposed(n1) * n1, wk1 * g1_wo0, wv1 * g1_wo0, wq1 * g1_wo0, wo1_t * n1,
                            wkf * g2_n1, wvf * g2_n1, wd * g2_n1});
  from_value2 = from_value({wo1_t * wo1, wkf * g2_wo1, wvf * g2_wo1, wd * g2_wo1});
  beta_value1 = narrowed(transposed(g1_wo0) * beta_column);
  beta_value2 = narrowed(wo1_t * beta_column);

  const Matrix b1_column = column(kDim, b1), b2_column = column(kDim, b2);
  query1_shift = narrowed(plus(wq1 * b1_column, read.bias(image_to_token(1) + ".q_proj", kInner)));
  key_final_shift = narrowed(wkf * g2_beta);
  value0_shift = narrowed(read.bias(token_to_image(0) + ".v_proj", kInner));
  value1_shift = narrowed(plus(wv1 * b1_column, read.bias(token_to_image(1) + ".v_proj", kInner)));
  value_final_shift = narrowed(plus(wvf * b2_column, read.bias("final_attn_token_to_image.v_proj", kInner)));
  value_final_scaled = narrowed(wvf * g2_beta);
  upscale_shift = narrowed(wd * g2_beta);
  fold_upscaling(*this, weights, read, wd * b2_column);
  read_token_layers(*this, read);
  read_heads(*this, weights, read);
  read_tokens(*this, weights, read);
}

}  // namespace unsam
