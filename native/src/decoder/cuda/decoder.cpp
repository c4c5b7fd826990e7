#include <algorithm>
#include <mutex>
#include <string>

#include "decoder/cuda/on_device.h"
#include "decoder/cuda/plan.h"
#include "cuda/runtime/device.h"
#include "decoder/check_features.h"
#include "decoder/prompt_tokens.h"
#include "unsam/cuda.h"

namespace unsam::cuda {
namespace {

constexpr std::size_t kMaxIdlePlans = 8;
constexpr std::size_t kKeptBytes = std::size_t{256} << 20;  // returned device memory that waits for the next image

void check_tokens(std::size_t tokens, std::size_t index) {
  if (tokens <= kMostTokens) return;
  throw Error(ErrorCode::bad_prompt, "Prompt " + std::to_string(index) + ": it makes " + std::to_string(tokens) +
                                         " tokens, and a CUDA device decodes at most " + std::to_string(kMostTokens) +
                                         "; give it fewer points, or leave the device out.");
}

// Of the next prompts, how many are decoded in one sequence of launches.
std::size_t group_size(const Folded& folded, std::span<const Prompt> prompts) {
  std::size_t size = 0, tokens = 0;
  while (size < std::min<std::size_t>(kMaxGroup, prompts.size())) {
    tokens += token_count(folded, prompts[size]);
    if (size > 0 && tokens > kMaxGroupTokens) break;
    ++size;
  }
  return size;
}

}  // namespace

// Made, used and destroyed with its device current.
class Decoder::State {
 public:
  State(const DecoderWeights& weights, const DecoderOptions& options)
      : device(options.device),
        folded(weights),
        pool(std::make_shared<MemoryPool>(device, options.memory_limit, options.keep_memory ? kKeptBytes : 0)),
        constants(folded, options.precision == Precision::bfloat16, pool, Stream()),
        engine{folded, constants, options.precision == Precision::bfloat16, options.graphs, device_info(device).multiprocessors, pool} {}

  std::shared_ptr<const Positions> positions(int side) const {
    const std::lock_guard lock(mutex_);
    if (!latest_positions_ || latest_positions_->side != side) latest_positions_ = make_positions(constants, engine.bf16, pool, side);
    return latest_positions_;
  }

  // Runs f; where memory is short, once more without the plans that wait for batches of their size.
  template <typename F>
  auto with_memory(F&& f) const {
    try {
      return f();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::out_of_memory) throw;
    }
    std::vector<std::unique_ptr<Plan>> given_up;
    {
      const std::lock_guard lock(mutex_);
      given_up.swap(idle_);
    }
    given_up.clear();  // not under the lock: each waits for its stream, and the device frees memory when it is idle
    pool->trim();
    return f();
  }

  // A plan for batches of this capacity that nobody else uses, with room for its logits.
  std::unique_ptr<Plan> take(const Capacity& capacity, bool to_host) const {
    std::unique_ptr<Plan> plan;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle->capacity() == capacity; });
      if (found != idle_.end()) {
        plan = std::move(*found);
        idle_.erase(found);
      }
    }
    if (plan == nullptr) plan = with_memory([&] { return std::make_unique<Plan>(engine, capacity); });
    with_memory([&] { plan->reserve(to_host); });
    return plan;
  }

  void give(std::unique_ptr<Plan> plan) const {
    std::unique_ptr<Plan> evicted;  // destroyed behind the lock, for the same reason
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(plan));
    if (idle_.size() <= kMaxIdlePlans) return;
    evicted = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }

  // Throws before any work is done.
  void check(const PreparedImage& image, std::span<const Prompt> prompts) const {
    if (image.owner != &folded) {
      throw Error(ErrorCode::bad_option, "The image was prepared by another decoder; prepare it with this one.");
    }
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      check_prompt(prompts[i], i, static_cast<std::size_t>(image.view.side), folded.has_granularity);
      check_tokens(token_count(folded, prompts[i]), i);
    }
  }

  // run(plan, prompts, first of them) for each group of prompts that is decoded in one sequence of launches.
  template <typename F>
  void for_groups(const PreparedImage& image, std::span<const Prompt> prompts, bool multimask, bool to_host, F&& run) const {
    for (std::size_t first = 0; first < prompts.size();) {
      const auto group = prompts.subspan(first, group_size(folded, prompts.subspan(first)));
      auto plan = take(capacity_for(folded, image.view.side, multimask, group), to_host);
      run(*plan, group, first);
      give(std::move(plan));  // a plan that failed is not used again
      first += group.size();
    }
  }

  const int device;
  const Folded folded;
  const std::shared_ptr<MemoryPool> pool;
  const Constants constants;
  const Engine engine;

 private:
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Positions> latest_positions_;  // a model has one size; other sizes take turns
  mutable std::vector<std::unique_ptr<Plan>> idle_;            // the longest idle first
};

Decoder::Decoder(const DecoderWeights& weights, const DecoderOptions& options) {
  require_device(options.device);
  const DeviceScope scope(options.device);
  state_ = std::make_unique<const State>(weights, options);
}

Decoder::~Decoder() {
  on_device(state_->device, [&] { state_.reset(); });
}

std::shared_ptr<const PreparedImage> Decoder::prepare(const ImageFeatures& features) const {
  check_features(features);
  const DeviceScope scope(state_->device);
  return state_->with_memory([&] {
    return make_image(state_->constants, state_->engine.bf16, state_->pool, features,
                      state_->positions(static_cast<int>(features.side)), &state_->folded);
  });
}

std::vector<DecodedMasks> Decoder::decode(const PreparedImage& image, std::span<const Prompt> prompts, bool multimask) const {
  state_->check(image, prompts);
  const DeviceScope scope(state_->device);
  std::vector<DecodedMasks> results(prompts.size());
  state_->for_groups(image, prompts, multimask, true, [&](Plan& plan, std::span<const Prompt> group, std::size_t first) {
    plan.run(image, group, std::span(results).subspan(first, group.size()));
  });
  return results;
}

std::shared_ptr<const DecodedOnDevice> Decoder::decode_on_device(const PreparedImage& image, std::span<const Prompt> prompts,
                                                                 bool multimask) const {
  state_->check(image, prompts);
  const DeviceScope scope(state_->device);
  auto decoded = std::make_unique<DecodedOnDevice::State>();
  decoded->device = state_->device;
  decoded->side = 4 * static_cast<std::size_t>(image.view.side);
  decoded->each = !state_->folded.has_granularity && multimask ? 3 : 1;
  decoded->results.resize(prompts.size());
  const std::size_t size = decoded->each * decoded->side * decoded->side;
  if (!prompts.empty()) {
    decoded->logits = state_->with_memory([&] { return DeviceArray<float>(state_->pool, prompts.size() * size); });
  }
  state_->for_groups(image, prompts, multimask, false, [&](Plan& plan, std::span<const Prompt> group, std::size_t first) {
    plan.run_there(image, group, std::span(decoded->results).subspan(first, group.size()), decoded->logits.data() + first * size);
  });
  return std::make_shared<const DecodedOnDevice>(std::move(decoded));
}

float Decoder::time(const PreparedImage& image, std::span<const Prompt> prompts, bool multimask, int replays, bool transfers) const {
  state_->check(image, prompts);
  const DeviceScope scope(state_->device);
  const auto group = prompts.first(group_size(state_->folded, prompts));
  auto plan = state_->take(capacity_for(state_->folded, image.view.side, multimask, group), true);
  std::vector<DecodedMasks> results(group.size());
  plan->run(image, group, results);  // fills it, and launches each kernel before it is recorded
  const float milliseconds = plan->time_replay(replays, transfers);
  state_->give(std::move(plan));
  return milliseconds;
}

bool Decoder::has_granularity() const noexcept { return state_->folded.has_granularity; }

std::size_t Decoder::memory_bytes() const { return state_->pool->bytes_in_use(); }

std::size_t memory_bytes(const PreparedImage& image) noexcept {
  return image.products.size() + image.high_res_0.size() + image.high_res_1.size() + 4 * (image.norms.size() + image.embed.size());
}

}  // namespace unsam::cuda
