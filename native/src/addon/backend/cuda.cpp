// Built with UNSAM_CUDA; without_cuda.cpp stands for it otherwise.
#include "unsam/cuda.h"

#include "backend.h"

namespace unsam::addon {
namespace {

class CudaBackend : public Backend {
 public:
  CudaBackend(const DecoderWeights& weights, Precision precision, int device)
      : decoder_(weights, {.precision = precision, .device = device}) {}

  std::shared_ptr<const BackendImage> prepare(const ImageFeatures& features, std::size_t) const override {
    return std::make_shared<const ImageOf<cuda::PreparedImage>>(decoder_.prepare(features));
  }
  std::vector<DecodedMasks> decode(const BackendImage& image, std::span<const Prompt> prompts,
                                   const DecodeOptions& options) const override {
    if (options.every_mask) {
      throw Error(ErrorCode::unsupported, "The decoder on CUDA gives no tokens of its masks; decode the frames of a video on the processor.");
    }
    return decoder_.decode(ImageOf<cuda::PreparedImage>::of(image), prompts, options.multimask);
  }

 private:
  const cuda::Decoder decoder_;
};

}  // namespace

std::shared_ptr<const Backend> open_cuda(const DecoderWeights& weights, Precision precision, int device) {
  return std::make_shared<const CudaBackend>(weights, precision, device);
}

CudaSupport cuda_support() {
  CudaSupport support{{}, cuda::why_unavailable()};
  for (int device = 0; device < cuda::device_count(); ++device) support.devices.push_back(cuda::device_info(device).name);
  return support;
}

}  // namespace unsam::addon
