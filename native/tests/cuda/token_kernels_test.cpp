// Linear layers, self-attention and tokens of prompts against plain loops in double, few rows and many.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "decoder/cuda/tokens.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"
#include "cuda_test.h"
#include "decoder/linear.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

// Host values with a copy on the device.
struct Values {
  Values(const Stream& stream, std::span<const float> from) : host(from.size()), device(std::make_shared<MemoryPool>(0, 0, 0), from.size()) {
    std::copy(from.begin(), from.end(), host.data());
    copy_to_device(device.data(), host.data(), from.size_bytes(), stream.get());
  }
  void fetch(const Stream& stream) {
    copy_to_host(host.data(), device.data(), 4 * host.size(), stream.get());
    stream.synchronize();
  }
  PinnedArray<float> host;
  DeviceArray<float> device;
};

std::vector<float> poison(std::size_t n) { return std::vector<float>(n, std::numeric_limits<float>::quiet_NaN()); }

double worst(const PinnedArray<float>& got, const std::vector<double>& want) {
  double difference = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = std::abs(got[i] - want[i]);
    difference = d <= difference ? difference : d;  // NaN counts
    if (std::isnan(d)) return d;
  }
  return difference;
}

// A granularity's MLP: 128 -> 256 -> 256 -> 256, ReLU between.
struct GranularityLayers {
  GranularityLayers(const Stream& stream, test::Random& random, ConstantsView& constants) {
    for (std::size_t l = 0; l < 3; ++l) {
      const std::size_t in = l == 0 ? 128 : 256;
      weight.push_back(test::normal(random, 256 * in, 0.1f));
      bias.push_back(test::normal(random, 256));
      const Linear packed(256, in, weight[l].data(), bias[l].data());
      const Values& w = *kept.emplace_back(std::make_unique<Values>(stream, std::span(packed.panel(0), packed.panels() * in * 64)));
      const Values& b = *kept.emplace_back(std::make_unique<Values>(stream, std::span(packed.bias(0), packed.panels() * 64)));
      constants.granularity[l] = {w.device.data(), b.device.data(), static_cast<int>(in), 256};
    }
  }
  std::vector<double> operator()(std::vector<double> x) const {
    for (std::size_t l = 0; l < 3; ++l) {
      std::vector<double> y(256);
      for (std::size_t o = 0; o < 256; ++o) {
        y[o] = bias[l][o];
        for (std::size_t k = 0; k < x.size(); ++k) y[o] += x[k] * weight[l][o * x.size() + k];
        if (l < 2) y[o] = std::max(y[o], 0.0);
      }
      x = y;
    }
    return x;
  }
  std::vector<std::vector<float>> weight, bias;
  std::vector<std::unique_ptr<Values>> kept;
};

}  // namespace

TEST("linear layers, plain and after a norm, with position, ReLU and residual") {
  need_device();
  test::Random random(1);
  const Stream stream;
  for (const std::size_t rows : {1u, 17u, 130u}) {
    for (const std::size_t in : {128u, 256u, 2048u}) {
      for (const std::size_t out : {4u, 40u}) {
        if (rows > 100 && in == 2048) continue;
        const bool norm = in == 256, relu = random() % 2 == 0, residual = random() % 2 == 0;
        const std::vector<float> weight = test::normal(random, out * in, 1.0f / std::sqrt(static_cast<float>(in))), bias = test::normal(random, out);
        const std::vector<float> x = test::normal(random, rows * in), position = test::normal(random, rows * 256), gain = test::normal(random, 256),
                                 shift = test::normal(random, 256), before = test::normal(random, rows * 256);
        const Linear packed(out, in, weight.data(), bias.data());
        const std::size_t panels = packed.panels();
        Values w(stream, {packed.panel(0), panels * in * 64}), b(stream, {packed.bias(0), panels * 64}), xs(stream, x), ps(stream, position),
            g(stream, gain), s(stream, shift), y(stream, poison(rows * 256)), normalised(stream, poison(rows * 256)), r(stream, before);
        LinearJobs jobs;
        jobs.add({{w.device.data(), b.device.data(), static_cast<int>(in), static_cast<int>((out + 7) / 8 * 8)},
                  xs.device.data(), static_cast<int>(in), y.device.data(), 256, static_cast<int>(rows), relu, norm,
                  residual ? r.device.data() : nullptr});
        if (norm) {
          norm_linear(jobs, {g.device.data(), s.device.data()}, ps.device.data(), normalised.device.data(), nullptr, stream.get());
        } else {
          linear(jobs, nullptr, stream.get());
        }
        y.fetch(stream);
        normalised.fetch(stream);
        std::vector<double> unit(x.begin(), x.end());
        if (norm) {
          for (std::size_t row = 0; row < rows; ++row) {
            double mean = 0, square = 0;
            for (std::size_t c = 0; c < 256; ++c) mean += x[row * 256 + c] / 256.0;
            for (std::size_t c = 0; c < 256; ++c) square += std::pow(x[row * 256 + c] - mean, 2) / 256.0;
            for (std::size_t c = 0; c < 256; ++c) unit[row * 256 + c] = (x[row * 256 + c] - mean) / std::sqrt(square + 1e-5) * gain[c] + shift[c];
          }
          CHECK_LE(worst(normalised.host, unit), 1e-5);
          for (std::size_t i = 0; i < unit.size(); ++i) unit[i] += position[i];
        }
        double difference = 0;
        for (std::size_t row = 0; row < rows; ++row) {
          for (std::size_t o = 0; o < out; ++o) {
            double sum = bias[o];
            for (std::size_t k = 0; k < in; ++k) sum += unit[row * in + k] * weight[o * in + k];
            if (relu) sum = std::max(sum, 0.0);
            if (residual) sum += before[row * 256 + o];
            const double d = std::abs(y.host[row * 256 + o] - sum);
            if (!(d <= difference)) difference = d;
          }
        }
        CHECK_LE(difference, 1e-4);
      }
    }
  }
}

TEST("self-attention of each prompt among its own tokens") {
  need_device();
  test::Random random(2);
  const Stream stream;
  const int tokens[] = {6, 11, 40};
  PinnedArray<Call> call(1);
  std::memset(static_cast<void*>(call.data()), 0, sizeof(Call));
  int rows = 0, most = 0;
  for (int p = 0; p < 3; ++p) {
    call[0].prompt[p].tokens = tokens[p];
    call[0].prompt[p].first_row = rows;
    rows += tokens[p];
    most = std::max(most, tokens[p]);
  }
  const DeviceArray<Call> on_device(std::make_shared<MemoryPool>(0, 0, 0), 1);
  copy_to_device(on_device.data(), call.data(), sizeof(Call), stream.get());
  const auto n = static_cast<std::size_t>(rows) * 256;
  const std::vector<float> q = test::normal(random, n), k = test::normal(random, n), v = test::normal(random, n);
  Values qs(stream, q), ks(stream, k), vs(stream, v), out(stream, poison(n));
  self_attention(qs.device.data(), ks.device.data(), vs.device.data(), out.device.data(), 3, most, on_device.data(), stream.get());
  out.fetch(stream);
  std::vector<double> want(n, 0.0);
  for (std::size_t first = 0, p = 0; p < 3; first += static_cast<std::size_t>(tokens[p]), ++p) {
    const auto t = static_cast<std::size_t>(tokens[p]);
    for (std::size_t head = 0; head < 8; ++head) {
      for (std::size_t i = 0; i < t; ++i) {
        std::vector<double> score(t, 0.0);
        double sum = 0;
        for (std::size_t j = 0; j < t; ++j) {
          for (std::size_t c = 0; c < 32; ++c) score[j] += double{q[(first + i) * 256 + head * 32 + c]} * k[(first + j) * 256 + head * 32 + c];
          sum += score[j] = std::exp(score[j] / std::sqrt(32.0));
        }
        for (std::size_t j = 0; j < t; ++j) {
          for (std::size_t c = 0; c < 32; ++c) want[(first + i) * 256 + head * 32 + c] += score[j] / sum * v[(first + j) * 256 + head * 32 + c];
        }
      }
    }
  }
  CHECK_LE(worst(out.host, want), 1e-5);
}

TEST("tokens of prompts: each kind of row, and a row of no prompt") {
  need_device();
  test::Random random(3);
  const Stream stream;
  const std::vector<TokenRow> rows{{kOutputToken, 1, 0, 0}, {kPoint, 2, 0.3f, 0.8f}, {kIgnoredPoint, -1, 0.5f, 0.5f},
                                   {kGranularity, 0, 0.7f, 0}, {kNoToken, 0, 0, 0}};
  PinnedArray<Call> call(1);
  std::memset(static_cast<void*>(call.data()), 0, sizeof(Call));
  ConstantsView& k = call[0].constants;
  const auto constant = [&](std::size_t n) { return Values(stream, test::normal(random, n)); };
  const Values output = constant(512), gaussian = constant(256), points = constant(4 * 256), nowhere = constant(256), embedding = constant(256),
               frequencies = constant(64);
  const GranularityLayers mlp(stream, random, k);
  k.output_tokens = output.device.data();
  k.gaussian = gaussian.device.data();
  k.point_embeddings = points.device.data();
  k.not_a_point = nowhere.device.data();
  k.granularity_embedding = embedding.device.data();
  k.frequencies = frequencies.device.data();
  Values tokens(stream, poison(rows.size() * 256));
  const auto pool = std::make_shared<MemoryPool>(0, 0, 0);
  PinnedArray<TokenRow> host_rows(rows.size());
  std::copy(rows.begin(), rows.end(), host_rows.data());
  const DeviceArray<TokenRow> rows_there(pool, rows.size());
  copy_to_device(rows_there.data(), host_rows.data(), rows.size() * sizeof(TokenRow), stream.get());
  call[0].token_rows = rows_there.data();
  call[0].position = tokens.device.data();
  const DeviceArray<Call> there(pool, 1);
  copy_to_device(there.data(), call.data(), sizeof(Call), stream.get());
  prompt_tokens(there.data(), static_cast<int>(rows.size()), stream.get());
  tokens.fetch(stream);

  std::vector<double> angles(128), want(rows.size() * 256, 0.0);
  for (std::size_t i = 0; i < 64; ++i) {
    angles[2 * i] = std::sin(double{frequencies.host[i]} * 0.7f);
    angles[2 * i + 1] = std::cos(double{frequencies.host[i]} * 0.7f);
  }
  const std::vector<double> granularity = mlp(angles);
  for (std::size_t c = 0; c < 256; ++c) {
    const std::size_t i = c % 128;
    const double angle = 6.283185307179586 * ((2 * 0.3f - 1.0) * gaussian.host[i] + (2 * 0.8f - 1.0) * gaussian.host[128 + i]);
    want[c] = output.host[256 + c];
    want[256 + c] = (c < 128 ? std::sin(angle) : std::cos(angle)) + points.host[512 + c];
    want[512 + c] = nowhere.host[c];
    want[768 + c] = granularity[c] + embedding.host[c];
  }
  CHECK_LE(worst(tokens.host, want), 2e-5);
}
