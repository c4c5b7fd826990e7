#include "reference_decoder.h"

#include <cmath>
#include <numbers>

namespace reference {
namespace {

const std::string kDecoder = "sam_mask_decoder.";
const std::string kTransformer = kDecoder + "transformer.";
const std::string kPrompt = "sam_prompt_encoder.";

Rows sum(Rows a, const Rows& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t c = 0; c < a[i].size(); ++c) a[i][c] += b[i][c];
  }
  return a;
}

void relu(Rows& x) {
  for (auto& row : x) {
    for (double& v : row) v = v > 0 ? v : 0;
  }
}

void gelu(Rows& x) {
  for (auto& row : x) {
    for (double& v : row) v = 0.5 * v * (1 + std::erf(v / std::numbers::sqrt2));
  }
}

}  // namespace

Rows Decoder::linear(const Rows& x, const std::string& name, std::size_t out) const {
  const float* weight = w_.get(name + ".weight");
  const float* bias = w_.get(name + ".bias");
  Rows y(x.size(), std::vector<double>(out));
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t o = 0; o < out; ++o) {
      double total = bias[o];
      for (std::size_t c = 0; c < x[i].size(); ++c) total += x[i][c] * weight[o * x[i].size() + c];
      y[i][o] = total;
    }
  }
  return y;
}

Rows Decoder::mlp(Rows x, const std::string& name, std::size_t out) const {
  for (int i = 0; i < 3; ++i) {
    x = linear(x, name + ".layers." + std::to_string(i), i < 2 ? 256 : out);
    if (i < 2) relu(x);
  }
  return x;
}

void Decoder::layer_norm(Rows& x, const std::string& name, double eps) const {
  const float* gain = w_.get(name + ".weight");
  const float* bias = w_.get(name + ".bias");
  for (auto& row : x) {
    const double n = static_cast<double>(row.size());
    double mean = 0, square = 0;
    for (const double v : row) mean += v / n;
    for (const double v : row) square += (v - mean) * (v - mean) / n;
    for (std::size_t c = 0; c < row.size(); ++c) row[c] = (row[c] - mean) / std::sqrt(square + eps) * gain[c] + bias[c];
  }
}

Rows Decoder::attention(const Rows& q_in, const Rows& k_in, const Rows& v_in, const std::string& name,
                        std::size_t inner) const {
  const Rows q = linear(q_in, name + ".q_proj", inner), k = linear(k_in, name + ".k_proj", inner);
  const Rows v = linear(v_in, name + ".v_proj", inner);
  const std::size_t d = inner / 8;
  Rows mixed(q.size(), std::vector<double>(inner));
  std::vector<double> score(k.size());
  for (std::size_t head = 0; head < 8; ++head) {
    for (std::size_t i = 0; i < q.size(); ++i) {
      double top = -1e300, total = 0;
      for (std::size_t j = 0; j < k.size(); ++j) {
        score[j] = 0;
        for (std::size_t c = head * d; c < (head + 1) * d; ++c) score[j] += q[i][c] * k[j][c];
        score[j] /= std::sqrt(static_cast<double>(d));
        top = std::max(top, score[j]);
      }
      for (double& s : score) total += s = std::exp(s - top);
      for (std::size_t j = 0; j < k.size(); ++j) {
        for (std::size_t c = head * d; c < (head + 1) * d; ++c) mixed[i][c] += score[j] / total * v[j][c];
      }
    }
  }
  return linear(mixed, name + ".out_proj", 256);
}

std::vector<double> Decoder::position(double x, double y) const {
  const float* g = w_.get(kPrompt + "pe_layer.positional_encoding_gaussian_matrix");
  std::vector<double> out(256);
  for (std::size_t i = 0; i < 128; ++i) {
    const double angle = 2 * std::numbers::pi * ((2 * x - 1) * g[i] + (2 * y - 1) * g[128 + i]);
    out[i] = std::sin(angle);
    out[128 + i] = std::cos(angle);
  }
  return out;
}

Rows Decoder::prompt_tokens(const unsam::Prompt& prompt, std::size_t side) const {
  Rows tokens;
  const auto add_embedding = [&](const std::string& name, std::size_t count) {
    const float* e = w_.get(name);
    for (std::size_t i = 0; i < count; ++i) tokens.emplace_back(e + 256 * i, e + 256 * (i + 1));
  };
  add_embedding(kDecoder + "obj_score_token.weight", 1);
  add_embedding(kDecoder + "iou_token.weight", 1);
  add_embedding(kDecoder + "mask_tokens.weight", 4);
  if (w_.has_granularity()) add_embedding(kDecoder + "gra_token.weight", 1);
  const double network = static_cast<double>(16 * side);
  for (std::size_t i = 0; i < prompt.labels.size(); ++i) {
    if (prompt.labels[i] == -1) {
      add_embedding(kPrompt + "not_a_point_embed.weight", 1);
      continue;
    }
    add_embedding(kPrompt + "point_embeddings." + std::to_string(prompt.labels[i]) + ".weight", 1);
    const auto p = position((prompt.coords[2 * i] + 0.5) / network, (prompt.coords[2 * i + 1] + 0.5) / network);
    for (std::size_t c = 0; c < 256; ++c) tokens.back()[c] += p[c];
  }
  if (prompt.granularity) {
    Rows x(1, std::vector<double>(128));
    for (std::size_t i = 0; i < 64; ++i) {
      const double angle = std::pow(100.0, static_cast<double>(i) / 64) * *prompt.granularity;
      x[0][2 * i] = std::sin(angle);
      x[0][2 * i + 1] = std::cos(angle);
    }
    x = linear(x, kPrompt + "fourier_embedder.mlp.mlp.0", 192);
    relu(x);
    x = linear(x, kPrompt + "fourier_embedder.mlp.mlp.3", 192);
    relu(x);
    x = linear(x, kPrompt + "fourier_embedder.mlp.mlp.6", 256);
    add_embedding(kPrompt + "granularity_embedding.weight", 1);
    for (std::size_t c = 0; c < 256; ++c) tokens.back()[c] += x[0][c];
  }
  return tokens;
}

Rows Decoder::mask_embedding(const unsam::Prompt& prompt, std::size_t side) const {
  if (prompt.mask_logits.empty()) {
    const float* e = w_.get(kPrompt + "no_mask_embed.weight");
    return Rows(side * side, std::vector<double>(e, e + 256));
  }
  Rows x;
  for (const float v : prompt.mask_logits) x.push_back({v});
  std::size_t n = 4 * side;
  for (const auto& [layer, norm, out] : {std::tuple{"0", "1", 4ul}, std::tuple{"3", "4", 16ul}}) {
    const float* weight = w_.get(kPrompt + "mask_downscaling." + layer + ".weight");
    const float* bias = w_.get(kPrompt + "mask_downscaling." + layer + ".bias");
    const std::size_t half = n / 2, in = x[0].size();
    Rows y(half * half, std::vector<double>(out));
    for (std::size_t py = 0; py < half; ++py) {
      for (std::size_t px = 0; px < half; ++px) {
        for (std::size_t o = 0; o < out; ++o) {
          double total = bias[o];
          for (std::size_t i = 0; i < in; ++i) {
            for (std::size_t k = 0; k < 4; ++k) {
              total += weight[(o * in + i) * 4 + k] * x[(2 * py + k / 2) * n + 2 * px + k % 2][i];
            }
          }
          y[py * half + px][o] = total;
        }
      }
    }
    layer_norm(y, kPrompt + "mask_downscaling." + norm, 1e-6);
    gelu(y);
    x = y;
    n = half;
  }
  return linear(x, kPrompt + "mask_downscaling.6", 256);
}

Rows Decoder::upsample(const Rows& x, std::size_t n, const std::string& name, std::size_t out) const {
  const float* weight = w_.get(name + ".weight");  // [in][out][2][2]
  const float* bias = w_.get(name + ".bias");
  Rows y(4 * n * n, std::vector<double>(out));
  for (std::size_t i = 0; i < n * n; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      auto& row = y[(2 * (i / n) + k / 2) * 2 * n + 2 * (i % n) + k % 2];
      for (std::size_t o = 0; o < out; ++o) {
        row[o] = bias[o];
        for (std::size_t c = 0; c < x[i].size(); ++c) row[o] += x[i][c] * weight[(c * out + o) * 4 + k];
      }
    }
  }
  return y;
}

Output Decoder::run(const unsam::ImageFeatures& features, const unsam::Prompt& prompt) const {
  const std::size_t side = features.side, n = side * side;
  const Rows tokens = prompt_tokens(prompt, side);
  Rows keys = mask_embedding(prompt, side), grid(n);
  for (std::size_t i = 0; i < n; ++i) {
    grid[i] = position((static_cast<double>(i % side) + 0.5) / static_cast<double>(side),
                       (static_cast<double>(i / side) + 0.5) / static_cast<double>(side));
    for (std::size_t c = 0; c < 256; ++c) keys[i][c] += features.image_embed[c * n + i];
  }
  Rows queries = tokens;
  for (int i = 0; i < 2; ++i) {
    const std::string layer = kTransformer + "layers." + std::to_string(i);
    if (i == 0) {
      queries = attention(queries, queries, queries, layer + ".self_attn", 256);
    } else {
      const Rows q = sum(queries, tokens);
      queries = sum(queries, attention(q, q, queries, layer + ".self_attn", 256));
    }
    layer_norm(queries, layer + ".norm1", 1e-5);
    queries = sum(queries, attention(sum(queries, tokens), sum(keys, grid), keys, layer + ".cross_attn_token_to_image", 128));
    layer_norm(queries, layer + ".norm2", 1e-5);
    Rows hidden = linear(queries, layer + ".mlp.layers.0", 2048);
    relu(hidden);
    queries = sum(queries, linear(hidden, layer + ".mlp.layers.1", 256));
    layer_norm(queries, layer + ".norm3", 1e-5);
    keys = sum(keys, attention(sum(keys, grid), sum(queries, tokens), queries, layer + ".cross_attn_image_to_token", 128));
    layer_norm(keys, layer + ".norm4", 1e-5);
  }
  queries = sum(queries, attention(sum(queries, tokens), sum(keys, grid), keys, kTransformer + "final_attn_token_to_image", 128));
  layer_norm(queries, kTransformer + "norm_final_attn", 1e-5);

  Rows up = upsample(keys, side, kDecoder + "output_upscaling.0", 64);
  for (std::size_t i = 0; i < up.size(); ++i) {
    for (std::size_t c = 0; c < 64; ++c) up[i][c] += features.high_res_1[c * up.size() + i];
  }
  layer_norm(up, kDecoder + "output_upscaling.1", 1e-6);
  gelu(up);
  up = upsample(up, 2 * side, kDecoder + "output_upscaling.3", 32);
  for (std::size_t i = 0; i < up.size(); ++i) {
    for (std::size_t c = 0; c < 32; ++c) up[i][c] += features.high_res_0[c * up.size() + i];
  }
  gelu(up);

  Output out;
  const std::size_t masks = w_.has_granularity() ? 5 : 4;
  for (std::size_t m = 0; m < masks; ++m) {
    out.tokens.push_back(queries[2 + m]);
    if (w_.has_granularity() && m < 4) {  // only the granularity mask is returned by UnSAMv2
      out.masks.emplace_back();
      continue;
    }
    const std::string name = m == 4 ? "gra_output_token_mlp" : "output_hypernetworks_mlps." + std::to_string(m);
    const Rows hyper = mlp({queries[2 + m]}, kDecoder + name, 32);
    std::vector<double> logits;
    for (const auto& pixel : up) {
      double total = 0;
      for (std::size_t c = 0; c < 32; ++c) total += pixel[c] * hyper[0][c];
      logits.push_back(total);
    }
    out.masks.push_back(logits);
  }
  const Rows iou = mlp({queries[1]}, kDecoder + "iou_prediction_head", 4);
  for (std::size_t i = 0; i < 4; ++i) out.iou[i] = 1 / (1 + std::exp(-iou[0][i]));
  const std::string object = kDecoder + "pred_obj_score_head";
  out.object_score = (w_.object_score_mlp() ? mlp({queries[0]}, object, 1) : linear({queries[0]}, object, 1))[0][0];
  return out;
}

}  // namespace reference
