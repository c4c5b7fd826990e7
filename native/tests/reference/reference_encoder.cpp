#include "reference/reference_encoder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

namespace test {
namespace {

using unsam::EncoderBlock;
using unsam::EncoderPlan;
using unsam::RandomEncoder;
using Vector = std::vector<double>;

struct Grid {
  std::size_t side;
  std::vector<Vector> cells;
  Vector& at(std::size_t y, std::size_t x) { return cells[y * side + x]; }
  const Vector& at(std::size_t y, std::size_t x) const { return cells[y * side + x]; }
};

Grid grid(std::size_t side, const std::function<Vector(std::size_t, std::size_t)>& cell) {
  Grid g{side, {}};
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) g.cells.push_back(cell(y, x));
  }
  return g;
}

Grid map(const Grid& g, const std::function<Vector(const Vector&)>& f) {
  return grid(g.side, [&](std::size_t y, std::size_t x) { return f(g.at(y, x)); });
}

Vector linear(const Vector& x, const std::vector<float>& weight, const std::vector<float>& bias) {
  Vector y(bias.begin(), bias.end());
  for (std::size_t o = 0; o < y.size(); ++o) {
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += static_cast<double>(weight[o * x.size() + i]) * x[i];
  }
  return y;
}

Vector layer_norm(const Vector& x, const std::vector<float>& gain, const std::vector<float>& offset, double eps) {
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - mean) / std::sqrt(variance + eps) * gain[i] + offset[i];
  return y;
}

Grid max_pool(const Grid& g) {
  return grid(g.side / 2, [&](std::size_t y, std::size_t x) {
    Vector most = g.at(2 * y, 2 * x);
    for (const Vector* other : {&g.at(2 * y, 2 * x + 1), &g.at(2 * y + 1, 2 * x), &g.at(2 * y + 1, 2 * x + 1)}) {
      for (std::size_t c = 0; c < most.size(); ++c) most[c] = std::max(most[c], (*other)[c]);
    }
    return most;
  });
}

class Reference {
 public:
  explicit Reference(const RandomEncoder& model) : model_(model), plan_(model.plan) {}

  Grid patches(const std::vector<float>& pixels) const {
    const auto& weight = get("image_encoder.trunk.patch_embed.proj.weight");
    const auto& bias = get("image_encoder.trunk.patch_embed.proj.bias");
    const auto& position = get("image_encoder.trunk.position_embedding");
    const std::size_t height = plan_.patch_kernel[0], width = plan_.patch_kernel[1], size = plan_.image_size, side = size / 4;
    return grid(side, [&](std::size_t y, std::size_t x) {
      Vector out(plan_.embed_dim);
      for (std::size_t o = 0; o < out.size(); ++o) {
        out[o] = bias[o] + static_cast<double>(position[(y * side + x) * out.size() + o]);
        for (std::size_t c = 0; c < 3; ++c) {
          for (std::size_t i = 0; i < height; ++i) {
            for (std::size_t j = 0; j < width; ++j) {
              const long row = static_cast<long>(4 * y + i) - static_cast<long>(plan_.patch_padding[0]);
              const long column = static_cast<long>(4 * x + j) - static_cast<long>(plan_.patch_padding[1]);
              if (row < 0 || column < 0 || row >= static_cast<long>(size) || column >= static_cast<long>(size)) continue;
              out[o] += static_cast<double>(weight[((o * 3 + c) * height + i) * width + j]) *
                        pixels[(c * size + static_cast<std::size_t>(row)) * size + static_cast<std::size_t>(column)];
            }
          }
        }
      }
      return out;
    });
  }

  Grid block(const Grid& in, std::size_t index) const {
    const EncoderBlock& b = plan_.blocks[index];
    const std::string name = "image_encoder.trunk.blocks." + std::to_string(index) + ".";
    const Grid normed = map(in, [&](const Vector& v) { return norm(v, name + "norm1"); });
    Grid shortcut = in;
    if (in.cells[0].size() != b.width) shortcut = map(normed, [&](const Vector& v) { return dense(v, name + "proj"); });
    if (b.pools) shortcut = max_pool(shortcut);
    const std::size_t window = b.window == 0 ? in.side : b.window, out_window = b.pools ? window / 2 : window;
    Grid attended = map(shortcut, [](const Vector&) { return Vector(); });
    const Vector zero(in.cells[0].size(), 0.0);
    for (std::size_t top = 0; top * window < in.side; ++top) {
      for (std::size_t left = 0; left * window < in.side; ++left) {
        const Grid tile = grid(window, [&](std::size_t y, std::size_t x) {
          const std::size_t row = top * window + y, column = left * window + x;
          return row < in.side && column < in.side ? normed.at(row, column) : zero;
        });
        const Grid mixed = attention(tile, name + "attn.", b);
        for (std::size_t y = 0; y < mixed.side; ++y) {
          for (std::size_t x = 0; x < mixed.side; ++x) {
            const std::size_t row = top * out_window + y, column = left * out_window + x;
            if (row < shortcut.side && column < shortcut.side) attended.at(row, column) = mixed.at(y, x);
          }
        }
      }
    }
    return grid(shortcut.side, [&](std::size_t y, std::size_t x) {
      Vector sum = shortcut.at(y, x);
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += attended.at(y, x)[c];
      Vector hidden = dense(norm(sum, name + "norm2"), name + "mlp.layers.0");
      for (double& h : hidden) h = 0.5 * h * (1 + std::erf(h / std::sqrt(2.0)));
      const Vector out = dense(hidden, name + "mlp.layers.1");
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += out[c];
      return sum;
    });
  }

  ReferenceFeatures neck(const std::vector<Grid>& levels) const {
    std::vector<Grid> pyramid(4);
    for (std::size_t level = 4; level-- > 0;) {
      const std::string name = "image_encoder.neck.convs." + std::to_string(3 - level) + ".conv";
      const bool fused = level < 3 && plan_.top_down[level];
      pyramid[level] = grid(levels[level].side, [&](std::size_t y, std::size_t x) {
        Vector own = dense(levels[level].at(y, x), name);
        if (!fused) return own;
        for (std::size_t c = 0; c < own.size(); ++c) {
          own[c] = (own[c] + pyramid[level + 1].at(y / 2, x / 2)[c]) / (plan_.average ? 2 : 1);
        }
        return own;
      });
    }
    const Grid embed = map(pyramid[2], [&](const Vector& v) {
      Vector out = v;
      for (std::size_t c = 0; c < out.size() && plan_.add_no_memory; ++c) out[c] += get("no_mem_embed")[c];
      return out;
    });
    const auto reduced = [&](std::size_t level) {
      const std::string name = "sam_mask_decoder.conv_s" + std::to_string(level);
      return planes(map(pyramid[level], [&](const Vector& v) { return dense(v, name); }));
    };
    return {planes(embed), reduced(0), reduced(1)};
  }

 private:
  const std::vector<float>& get(const std::string& name) const { return model_.values.at(name); }
  Vector dense(const Vector& x, const std::string& name) const { return linear(x, get(name + ".weight"), get(name + ".bias")); }
  Vector norm(const Vector& x, const std::string& name) const {
    return layer_norm(x, get(name + ".weight"), get(name + ".bias"), plan_.norm_eps);
  }

  Grid attention(const Grid& tile, const std::string& name, const EncoderBlock& b) const {
    const Grid qkv = map(tile, [&](const Vector& v) { return dense(v, name + "qkv"); });
    Grid queries = map(qkv, [&](const Vector& v) { return Vector(v.begin(), v.begin() + static_cast<long>(b.width)); });
    if (b.pools) queries = max_pool(queries);
    const std::size_t dim = b.width / b.heads;
    return map(queries, [&](const Vector& query) {
      Vector mixed(b.width, 0.0);
      for (std::size_t h = 0; h < b.heads; ++h) {
        Vector scores;
        double total = 0;
        for (const Vector& other : qkv.cells) {
          double dot = 0;
          for (std::size_t c = h * dim; c < (h + 1) * dim; ++c) dot += query[c] * other[b.width + c];
          scores.push_back(dot / std::sqrt(static_cast<double>(dim)));
        }
        const double top = *std::max_element(scores.begin(), scores.end());
        for (double& s : scores) total += s = std::exp(s - top);
        for (std::size_t i = 0; i < scores.size(); ++i) {
          for (std::size_t c = h * dim; c < (h + 1) * dim; ++c) mixed[c] += scores[i] / total * qkv.cells[i][2 * b.width + c];
        }
      }
      return dense(mixed, name + "proj");
    });
  }

  static Vector planes(const Grid& g) {
    Vector out;
    for (std::size_t c = 0; c < g.cells[0].size(); ++c) {
      for (const Vector& cell : g.cells) out.push_back(cell[c]);
    }
    return out;
  }

  const RandomEncoder& model_;
  const EncoderPlan& plan_;
};

}  // namespace

ReferenceFeatures reference_encode(const RandomEncoder& model, const std::vector<float>& pixels) {
  const Reference reference(model);
  std::vector<Grid> levels;
  Grid now = reference.patches(pixels);
  for (std::size_t i = 0; i < model.plan.blocks.size(); ++i) {
    if (model.plan.blocks[i].pools) levels.push_back(now);
    now = reference.block(now, i);
  }
  levels.push_back(now);
  return reference.neck(levels);
}

}  // namespace test
