#include <cmath>
#include <string>

#include "memory/cpu/attention.h"
#include "memory/cpu/encoder.h"
#include "memory/cpu/positions.h"
#include "memory/cpu/weights.h"
#include "parallel/thread_team_pool.h"
#include "unsam/memory.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxThreads = 1024;
// More than any network has; no product of two sides overflows.
constexpr std::size_t kMostChannels = 4096, kMostHidden = 65536, kMostLayers = 64, kLongestSide = 4096;
// Tokens that a frame may read: 1,024 memories of the official size.
constexpr std::size_t kMostTokens = std::size_t{1} << 22;

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::bad_option, what);
}

void check(const MemoryPlan& plan) {
  const auto say = [](const char* name, std::size_t value) { return std::string("The memory's ") + name + " is " + std::to_string(value); };
  require(plan.image_size >= 16 && plan.image_size <= kLongestSide && plan.image_size % 16 == 0,
          say("imageSize", plan.image_size) + "; it must be a multiple of 16 up to 4096.");
  const auto channels = [&](const char* name, std::size_t n) {
    require(n >= 4 && n <= kMostChannels && n % 4 == 0, say(name, n) + "; it must be a multiple of 4 up to 4096.");
  };
  channels("width", plan.width);
  channels("memoryWidth", plan.memory_width);
  const auto between = [&](const char* name, std::size_t n, std::size_t most) {
    require(n >= 1 && n <= most, say(name, n) + "; it must be 1 to " + std::to_string(most) + ".");
  };
  between("attentionLayers", plan.layers, kMostLayers);
  between("feedForward", plan.feed_forward, kMostHidden);
  between("fuserLayers", plan.fuser_layers, kMostLayers);
  between("fuserHidden", plan.fuser_hidden, kMostHidden);
  require(std::isfinite(plan.rope_theta) && plan.rope_theta > 0, "The memory's ropeTheta must be a positive number.");
}

void check(const MemoryOptions& options) {
  require(options.threads >= 1 && options.threads <= kMaxThreads,
          "The number of threads is " + std::to_string(options.threads) + "; use 1 to " + std::to_string(kMaxThreads) + ".");
}

void check_size(const char* what, std::size_t found, std::size_t wanted) {
  require(found == wanted, std::string(what) + " have " + std::to_string(found) + " values where there must be " + std::to_string(wanted) + ".");
}

}  // namespace

class MemoryNetwork::State {
 public:
  State(const MemoryPlan& of, const TensorMap& tensors)
      : plan((check(of), of)), kernels(encoder::kernels()), weights(plan, kernels, tensors), positions(plan) {}

  std::size_t cells() const { return positions.side * positions.side; }

  const MemoryPlan plan;
  const encoder::Kernels& kernels;
  const memory::Weights weights;
  const memory::Positions positions;
  ThreadTeamPool teams;
};

MemoryNetwork::MemoryNetwork(const MemoryPlan& plan, const TensorMap& tensors) : state_(std::make_unique<State>(plan, tensors)) {}

MemoryNetwork::~MemoryNetwork() = default;

std::optional<std::vector<float>> MemoryNetwork::attend(std::span<const float> features, const MemoryFeed& feed,
                                                        const MemoryOptions& options) const {
  const State& s = *state_;
  const std::size_t m = s.plan.memory_width, frame = s.cells() * m;
  check(options);
  check_size("The features", features.size(), s.plan.width * s.cells());
  check_size("The memories", feed.memory.size(), feed.memory.size() / frame * frame);
  check_size("The times of the memories", feed.times.size(), feed.memory.size() / frame * m);
  check_size("The pointers", feed.pointers.size(), feed.pointers.size() / m * m);
  check_size("The times of the pointers", feed.pointer_times.size(), feed.pointers.size());
  const std::size_t tokens = (feed.memory.size() + feed.pointers.size()) / m;
  require(tokens >= 1 && tokens <= kMostTokens,
          "The frame reads " + std::to_string(tokens) + " tokens; it must be 1 to " + std::to_string(kMostTokens) + ".");
  const auto team = state_->teams.take(options.threads);
  return memory::Attention(s.plan, s.kernels, s.weights, s.positions, *team, options.cancelled).run(features, feed);
}

std::optional<std::vector<float>> MemoryNetwork::remember(std::span<const float> features, std::span<const float> mask, bool absent,
                                                          const MemoryOptions& options) const {
  const State& s = *state_;
  check(options);
  check_size("The features", features.size(), s.plan.width * s.cells());
  check_size("The mask's pixels", mask.size(), s.plan.image_size * s.plan.image_size);
  const auto team = state_->teams.take(options.threads);
  return memory::Encoder(s.plan, s.kernels, s.weights, s.positions, *team, options.cancelled).run(features, mask, absent);
}

std::size_t MemoryNetwork::memory_bytes() const noexcept { return state_->weights.bytes; }

}  // namespace unsam
