#include "unsam/encoder.h"

#include <mutex>

#include "encoder/cpu/kernels.h"
#include "encoder/cpu/encoding.h"
#include "encoder/cpu/input.h"
#include "encoder/plan.h"
#include "encoder/cpu/weights.h"
#include "parallel/thread_team_pool.h"

namespace unsam {
namespace {

constexpr std::size_t kMaxThreads = 1024;
// More than any image has; their product cannot overflow.
constexpr std::size_t kLongestSide = 1 << 20;

}  // namespace

class ImageEncoder::State {
 public:
  explicit State(const EncoderPlan& plan) : shape(plan), kernels(encoder::kernels()) {}
  virtual ~State() = default;

  virtual void load(const std::string& name, const TensorView& tensor) = 0;
  virtual void require_complete() const = 0;
  virtual bool encode(std::span<const float> pixels, ThreadTeam& team, const std::function<bool()>& cancelled,
                      EncodedFeatures& features) const = 0;

  const encoder::Shape shape;
  const encoder::Kernels& kernels;
  std::vector<std::string> matrices;
  std::size_t bytes = 0;
  mutable ThreadTeamPool teams;
};

namespace {

template <class T>
class StateOf final : public ImageEncoder::State {
 public:
  StateOf(const EncoderPlan& plan, const TensorMap& vectors)
      : State(plan), packer_(shape, encoder::math<T>(kernels), vectors, weights_) {
    matrices = packer_.names();
  }

  void load(const std::string& name, const TensorView& tensor) override {
    const std::lock_guard lock(mutex_);
    packer_.load(name, tensor);
    bytes += tensor.data.size() * sizeof(T);
  }

  void require_complete() const override {
    const std::lock_guard lock(mutex_);
    if (const std::string* name = packer_.missing()) {
      throw Error(ErrorCode::bad_checkpoint, "The encoder's matrix \"" + *name + "\" was not loaded.");
    }
  }

  bool encode(std::span<const float> pixels, ThreadTeam& team, const std::function<bool()>& cancelled,
              EncodedFeatures& features) const override {
    return encoder::Encoding<T>(shape, kernels, weights_, team, cancelled).run(pixels, features);
  }

 private:
  encoder::Weights<T> weights_;
  mutable std::mutex mutex_;
  encoder::WeightPacker<T> packer_;
};

std::unique_ptr<ImageEncoder::State> make_state(const EncoderPlan& plan, const TensorMap& vectors, Precision precision) {
  if (precision == Precision::float32) return std::make_unique<StateOf<float>>(plan, vectors);
  return std::make_unique<StateOf<std::uint16_t>>(plan, vectors);
}

void check(const EncodeOptions& options) {
  if (options.threads >= 1 && options.threads <= kMaxThreads) return;
  throw Error(ErrorCode::bad_option, "The number of threads is " + std::to_string(options.threads) + "; use 1 to " +
                                         std::to_string(kMaxThreads) + ".");
}

std::optional<EncodedFeatures> encode_pixels(const ImageEncoder::State& state, std::span<const float> pixels, ThreadTeam& team,
                                             const EncodeOptions& options) {
  EncodedFeatures features;
  if (!state.encode(pixels, team, options.cancelled, features)) return std::nullopt;
  return features;
}

}  // namespace

ImageEncoder::ImageEncoder(const EncoderPlan& plan, TensorMap vectors, Precision precision)
    : state_(make_state(plan, vectors, precision)) {}

ImageEncoder::~ImageEncoder() = default;

const std::vector<std::string>& ImageEncoder::matrices() const noexcept { return state_->matrices; }

void ImageEncoder::load(const std::string& name, const TensorView& tensor) { state_->load(name, tensor); }

std::optional<EncodedFeatures> ImageEncoder::encode(const PhotoView& photo, const EncodeOptions& options) const {
  check(options);
  state_->require_complete();
  const auto [width, height, data] = photo;
  if (width < 1 || height < 1 || width > kLongestSide || height > kLongestSide || data.size() != 3 * width * height) {
    throw Error(ErrorCode::bad_option, "The photo has " + std::to_string(data.size()) + " bytes where " + std::to_string(width) +
                                           " x " + std::to_string(height) + " pixels of three bytes were said.");
  }
  const std::size_t side = state_->shape.plan.image_size;
  const auto team = state_->teams.take(options.threads);
  Buffer<float> pixels(3 * side * side);
  encoder::network_input(photo, side, *team, pixels.data());
  return encode_pixels(*state_, {pixels.data(), 3 * side * side}, *team, options);
}

std::optional<EncodedFeatures> ImageEncoder::encode(std::span<const float> pixels, const EncodeOptions& options) const {
  check(options);
  state_->require_complete();
  const std::size_t side = state_->shape.plan.image_size;
  if (pixels.size() != 3 * side * side) {
    throw Error(ErrorCode::bad_option, "The image has " + std::to_string(pixels.size()) + " values; the encoder takes 3 x " +
                                           std::to_string(side) + " x " + std::to_string(side) + ".");
  }
  const auto team = state_->teams.take(options.threads);
  return encode_pixels(*state_, pixels, *team, options);
}

std::size_t ImageEncoder::memory_bytes() const noexcept { return state_->bytes; }

const char* ImageEncoder::instruction_set() const noexcept { return state_->kernels.name; }

}  // namespace unsam
