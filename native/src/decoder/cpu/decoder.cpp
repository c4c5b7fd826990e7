#include "unsam/decoder.h"

#include <mutex>
#include <string>

#include "cpu/isa.h"
#include "decoder/check_features.h"
#include "decoder/cpu/group.h"
#include "decoder/cpu/prepared_image.h"
#include "decoder/prompt_tokens.h"
#include "decoder/cpu/workspace.h"
#include "parallel/thread_team_pool.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxThreads = 1024;

void check_threads(std::size_t threads) {
  if (threads >= 1 && threads <= kMaxThreads) return;
  throw Error(ErrorCode::bad_option, "The number of threads is " + std::to_string(threads) + "; use 1 to " +
                                         std::to_string(kMaxThreads) + ".");
}

}  // namespace

class Decoder::State {
 public:
  State(const DecoderWeights& weights, const DecoderOptions& options)
      : kernels(unsam::kernels()),
        bf16(options.precision == Precision::bfloat16 ? kernels.bf16 : nullptr),
        folded(weights),
        mixtures(PromptMatrices{folded, kernels, bf16}.of_mixtures()) {
    if (options.precision == Precision::bfloat16 && bf16 == nullptr) {
      throw Error(ErrorCode::unsupported, std::string("The bfloat16 decoder needs a CPU with AVX512_BF16, but \"") +
                                              kernels.name + "\" is in use; choose float32.");
    }
  }

  std::shared_ptr<const PositionProducts> position(ThreadTeam& team, std::size_t side) const {
    const std::lock_guard lock(mutex);
    if (!latest_position || latest_position->side != side) {
      latest_position = position_products(folded, kernels, team, bf16, side);
    }
    return latest_position;
  }

  const Kernels& kernels;
  const Bfloat16Kernels* const bf16;  // null: float32
  const Folded folded;
  const TermMatrices mixtures;
  mutable Pool<Workspace> workspaces;
  mutable ThreadTeamPool teams;

 private:
  mutable std::mutex mutex;
  mutable std::shared_ptr<const PositionProducts> latest_position;  // a model has one size; other sizes take turns
};

Decoder::Decoder(const DecoderWeights& weights, const DecoderOptions& options)
    : state_(std::make_unique<const State>(weights, options)) {}

Decoder::~Decoder() = default;

std::shared_ptr<const PreparedImage> Decoder::prepare(const ImageFeatures& features, std::size_t threads) const {
  check_features(features);
  check_threads(threads);
  const auto team = state_->teams.take(threads);
  return prepare_image(state_->folded, state_->kernels, *team, state_->bf16, features, state_->position(*team, features.side));
}

std::vector<DecodedMasks> Decoder::decode(const PreparedImage& image, std::span<const Prompt> prompts,
                                          const DecodeOptions& options) const {
  if (image.owner != &state_->folded) {
    throw Error(ErrorCode::bad_option, "The image was prepared by another decoder; prepare it with this one.");
  }
  check_threads(options.threads);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    check_prompt(prompts[i], i, image.side, state_->folded.has_granularity);
  }
  std::vector<DecodedMasks> results(prompts.size());
  if (prompts.empty()) return results;
  const auto workspace = state_->workspaces.take([](const Workspace&) { return true; }, std::make_unique<Workspace>);
  const auto team = state_->teams.take(options.threads);
  GroupDecoder group(state_->folded, state_->mixtures, state_->kernels, state_->bf16, image, *workspace, *team);
  for (std::size_t first = 0; first < prompts.size();) {
    const std::size_t n = group.group_size(prompts.subspan(first));
    group.decode(prompts.subspan(first, n), options, std::span(results).subspan(first, n));
    if (group.rows() > kGroupTokens) *workspace = Workspace();  // what one huge prompt took is not kept for the next ones
    first += n;
  }
  return results;
}

const char* Decoder::instruction_set() const noexcept { return state_->kernels.name; }

bool Decoder::has_granularity() const noexcept { return state_->folded.has_granularity; }

}  // namespace unsam
