#include "backend.h"

namespace unsam::addon {
namespace {

class CpuBackend : public Backend {
 public:
  CpuBackend(const DecoderWeights& weights, Precision precision) : decoder_(weights, {precision}) {}

  std::shared_ptr<const BackendImage> prepare(const ImageFeatures& features, std::size_t threads) const override {
    return std::make_shared<const ImageOf<PreparedImage>>(decoder_.prepare(features, threads));
  }
  std::vector<DecodedMasks> decode(const BackendImage& image, std::span<const Prompt> prompts,
                                   const DecodeOptions& options) const override {
    return decoder_.decode(ImageOf<PreparedImage>::of(image), prompts, options);
  }

 private:
  // The addon's handle of the same name is another class.
  using PreparedImage = unsam::PreparedImage;
  const unsam::Decoder decoder_;
};

}  // namespace

std::shared_ptr<const Backend> open_cpu(const DecoderWeights& weights, Precision precision) {
  return std::make_shared<const CpuBackend>(weights, precision);
}

}  // namespace unsam::addon
