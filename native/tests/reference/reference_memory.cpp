#include "reference/reference_memory.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace test {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

class Model {
 public:
  explicit Model(const unsam::RandomMemory& of) : plan(of.plan), side(of.plan.image_size / 16), of_(of) {}

  const std::vector<float>& tensor(const std::string& name) const { return of_.values.at(name); }

  Rows linear(const Rows& x, const std::string& name) const {
    const auto &w = tensor(name + ".weight"), &b = tensor(name + ".bias");
    Rows y;
    for (const Row& in : x) {
      Row out(b.begin(), b.end());
      for (std::size_t o = 0; o < out.size(); ++o) {
        for (std::size_t i = 0; i < in.size(); ++i) out[o] += double{w[o * in.size() + i]} * in[i];
      }
      y.push_back(out);
    }
    return y;
  }

  Rows norm(const Rows& x, const std::string& name, double eps) const {
    const auto &gain = tensor(name + ".weight"), &offset = tensor(name + ".bias");
    Rows y = x;
    for (Row& row : y) {
      double mean = 0, variance = 0;
      for (const double v : row) mean += v / static_cast<double>(row.size());
      for (const double v : row) variance += (v - mean) * (v - mean) / static_cast<double>(row.size());
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = (row[c] - mean) / std::sqrt(variance + eps) * gain[c] + offset[c];
    }
    return y;
  }

  // The encoding of a cell, half of the channels for y, then half for x, sine and cosine in turn.
  Row place(std::size_t cell, std::size_t channels) const {
    Row row(channels);
    const std::size_t half = channels / 2;
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t i = c % half, at = c < half ? cell / side : cell % side;
      const double position = static_cast<double>(at + 1) / (static_cast<double>(side) + 1e-6) * 2 * 3.14159265358979323846;
      const double phase = position / std::pow(10000.0, 2.0 * std::floor(static_cast<double>(i) / 2) / static_cast<double>(half));
      row[c] = i % 2 == 0 ? std::sin(phase) : std::cos(phase);
    }
    return row;
  }

  // Channel pairs (2j, 2j + 1) turned: the first half of them with x, the second with y.
  void rotate(Row& row, std::size_t cell) const {
    const std::size_t d = row.size(), quarter = d / 4;
    for (std::size_t j = 0; j < d / 2; ++j) {
      const std::size_t at = j < quarter ? cell % side : cell / side, k = j % quarter;
      const double angle = static_cast<double>(at) * std::pow(plan.rope_theta, -4.0 * static_cast<double>(k) / static_cast<double>(d));
      const double a = row[2 * j], b = row[2 * j + 1];
      row[2 * j] = a * std::cos(angle) - b * std::sin(angle);
      row[2 * j + 1] = a * std::sin(angle) + b * std::cos(angle);
    }
  }

  static Rows attend(const Rows& queries, const Rows& keys, const Rows& values) {
    Rows out;
    for (const Row& q : queries) {
      std::vector<double> scores;
      double top = -1e300;
      for (const Row& k : keys) {
        double score = 0;
        for (std::size_t c = 0; c < q.size(); ++c) score += q[c] * k[c];
        scores.push_back(score / std::sqrt(static_cast<double>(q.size())));
        top = std::max(top, scores.back());
      }
      double sum = 0;
      Row row(values[0].size());
      for (std::size_t k = 0; k < keys.size(); ++k) {
        const double weight = std::exp(scores[k] - top);
        sum += weight;
        for (std::size_t c = 0; c < row.size(); ++c) row[c] += weight * values[k][c];
      }
      for (double& v : row) v /= sum;
      out.push_back(row);
    }
    return out;
  }

  const unsam::MemoryPlan plan;
  const std::size_t side;

 private:
  const unsam::RandomMemory& of_;
};

void add(Rows& x, const Rows& y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t c = 0; c < x[i].size(); ++c) x[i][c] += y[i][c];
  }
}

Rows tokens(const std::vector<float>& values, std::size_t width) {
  Rows rows;
  for (std::size_t at = 0; at < values.size(); at += width) rows.emplace_back(values.begin() + static_cast<long>(at), values.begin() + static_cast<long>(at + width));
  return rows;
}

Rows from_planes(const std::vector<float>& planes, std::size_t channels) {
  const std::size_t n = planes.size() / channels;
  Rows rows(n, Row(channels));
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < n; ++i) rows[i][c] = planes[c * n + i];
  }
  return rows;
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

Rows each(Rows x, const std::function<double(double)>& of) {
  for (Row& row : x) {
    for (double& v : row) v = of(v);
  }
  return x;
}

}  // namespace

std::vector<double> reference_attention(const unsam::RandomMemory& random, const std::vector<float>& features,
                                        const unsam::RandomFeed& feed) {
  const Model model(random);
  const std::size_t d = model.plan.width, m = model.plan.memory_width, n = model.side * model.side;
  Rows x = from_planes(features, d);
  for (std::size_t i = 0; i < n; ++i) {
    const Row place = model.place(i, d);
    for (std::size_t c = 0; c < d; ++c) x[i][c] += 0.1 * place[c];
  }
  Rows values = tokens(feed.memory, m), placed = values;
  const Rows times = tokens(feed.times, m);
  const std::size_t spatial = values.size();
  for (std::size_t i = 0; i < spatial; ++i) {
    const Row place = model.place(i % n, m);
    for (std::size_t c = 0; c < m; ++c) placed[i][c] += place[c] + times[i / n][c];
  }
  Rows pointers = tokens(feed.pointers, m);
  values.insert(values.end(), pointers.begin(), pointers.end());
  add(pointers, tokens(feed.pointer_times, m));
  placed.insert(placed.end(), pointers.begin(), pointers.end());

  for (std::size_t l = 0; l < model.plan.layers; ++l) {
    const std::string name = "memory_attention.layers." + std::to_string(l) + ".";
    const Rows normed = model.norm(x, name + "norm1", 1e-5);
    Rows q = model.linear(normed, name + "self_attn.q_proj"), k = model.linear(normed, name + "self_attn.k_proj");
    for (std::size_t i = 0; i < n; ++i) {
      model.rotate(q[i], i);
      model.rotate(k[i], i);
    }
    add(x, model.linear(Model::attend(q, k, model.linear(normed, name + "self_attn.v_proj")), name + "self_attn.out_proj"));
    q = model.linear(model.norm(x, name + "norm2", 1e-5), name + "cross_attn_image.q_proj");
    k = model.linear(placed, name + "cross_attn_image.k_proj");
    for (std::size_t i = 0; i < n; ++i) model.rotate(q[i], i);
    for (std::size_t i = 0; i < spatial; ++i) model.rotate(k[i], i % n);
    add(x, model.linear(Model::attend(q, k, model.linear(values, name + "cross_attn_image.v_proj")), name + "cross_attn_image.out_proj"));
    const Rows hidden = each(model.linear(model.norm(x, name + "norm3", 1e-5), name + "linear1"), [](double v) { return v > 0 ? v : 0; });
    add(x, model.linear(hidden, name + "linear2"));
  }
  x = model.norm(x, "memory_attention.norm", 1e-5);
  std::vector<double> planes(d * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < d; ++c) planes[c * n + i] = x[i][c];
  }
  return planes;
}

std::vector<double> reference_memory(const unsam::RandomMemory& random, const std::vector<float>& features,
                                     const std::vector<float>& mask, bool absent) {
  const Model model(random);
  const std::string encoder = "memory_encoder.", sampler = encoder + "mask_downsampler.encoder.";
  const std::size_t d = model.plan.width, s = model.side;
  std::size_t side = model.plan.image_size;
  Rows x = tokens(mask, 1);
  for (std::size_t l = 0; l < 4; ++l) {
    const std::string name = sampler + std::to_string(3 * l);
    const auto &w = model.tensor(name + ".weight"), &b = model.tensor(name + ".bias");
    const std::size_t in = x[0].size(), half = side / 2;
    Rows y(half * half, Row(b.begin(), b.end()));
    for (std::size_t i = 0; i < half; ++i) {
      for (std::size_t j = 0; j < half; ++j) {
        for (std::size_t ky = 0; ky < 3; ++ky) {
          for (std::size_t kx = 0; kx < 3; ++kx) {
            const std::size_t r = 2 * i + ky, c = 2 * j + kx;  // one beyond
            if (r < 1 || c < 1 || r > side || c > side) continue;
            for (std::size_t o = 0; o < b.size(); ++o) {
              for (std::size_t k = 0; k < in; ++k) {
                y[i * half + j][o] += double{w[((o * in + k) * 3 + ky) * 3 + kx]} * x[(r - 1) * side + c - 1][k];
              }
            }
          }
        }
      }
    }
    side = half;
    x = each(model.norm(y, sampler + std::to_string(3 * l + 1), 1e-6), gelu);
  }
  x = model.linear(x, sampler + "12");
  add(x, model.linear(from_planes(features, d), encoder + "pix_feat_proj"));
  for (std::size_t l = 0; l < model.plan.fuser_layers; ++l) {
    const std::string name = encoder + "fuser.layers." + std::to_string(l) + ".";
    const auto &w = model.tensor(name + "dwconv.weight"), &b = model.tensor(name + "dwconv.bias"), &gamma = model.tensor(name + "gamma");
    Rows y(s * s, Row(b.begin(), b.end()));
    for (std::size_t i = 0; i < s; ++i) {
      for (std::size_t j = 0; j < s; ++j) {
        for (std::size_t ky = 0; ky < 7; ++ky) {
          for (std::size_t kx = 0; kx < 7; ++kx) {
            const std::size_t r = i + ky, c = j + kx;  // three beyond
            if (r < 3 || c < 3 || r >= s + 3 || c >= s + 3) continue;
            for (std::size_t k = 0; k < d; ++k) y[i * s + j][k] += double{w[(k * 7 + ky) * 7 + kx]} * x[(r - 3) * s + c - 3][k];
          }
        }
      }
    }
    y = model.linear(each(model.linear(model.norm(y, name + "norm", 1e-6), name + "pwconv1"), gelu), name + "pwconv2");
    for (Row& row : y) {
      for (std::size_t k = 0; k < d; ++k) row[k] *= gamma[k];
    }
    add(x, y);
  }
  std::vector<double> memory;
  for (Row& row : model.linear(x, encoder + "out_proj")) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      memory.push_back(row[c] + (absent && model.plan.absent_embedding ? model.tensor("no_obj_embed_spatial")[c] : 0.0f));
    }
  }
  return memory;
}

}  // namespace test
