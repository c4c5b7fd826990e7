#include <string>

#include "nano/cpu/encoding.h"
#include "nano/cpu/weights.h"
#include "parallel/thread_team_pool.h"
#include "unsam/nano.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxThreads = 1024;

bool is_side(std::size_t side) { return side >= kNanoStride && side <= kNanoLongestSide && side % kNanoStride == 0; }

}  // namespace

class NanoEncoder::State {
 public:
  explicit State(const TensorMap& tensors) : kernels(encoder::kernels()), weights(kernels, tensors) {}

  const encoder::Kernels& kernels;
  const nano::Weights weights;
  ThreadTeamPool teams;
};

NanoEncoder::NanoEncoder(const TensorMap& tensors) : state_(std::make_unique<State>(tensors)) {}

NanoEncoder::~NanoEncoder() = default;

std::optional<NanoCues> NanoEncoder::encode(const NanoInput& input, const NanoOptions& options) const {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    throw Error(ErrorCode::bad_option, "The number of threads is " + std::to_string(options.threads) + "; use 1 to " +
                                           std::to_string(kMaxThreads) + ".");
  }
  if (!is_side(input.width) || !is_side(input.height)) {
    throw Error(ErrorCode::bad_option, "The image has " + std::to_string(input.width) + " x " + std::to_string(input.height) +
                                           " pixels; sides of the nano network are multiples of " + std::to_string(kNanoStride) +
                                           " up to " + std::to_string(kNanoLongestSide) + ".");
  }
  if (input.data.size() != kNanoInputChannels * input.width * input.height) {
    throw Error(ErrorCode::bad_option, "The image has " + std::to_string(input.data.size()) + " values where " +
                                           std::to_string(kNanoInputChannels) + " channels of " + std::to_string(input.width) + " x " +
                                           std::to_string(input.height) + " pixels were said.");
  }
  const auto team = state_->teams.take(options.threads);
  NanoCues cues;
  if (!nano::Encoding(state_->kernels, state_->weights, *team, options.cancelled).run(input, cues)) return std::nullopt;
  return cues;
}

std::size_t NanoEncoder::memory_bytes() const noexcept { return state_->weights.bytes; }

}  // namespace unsam
