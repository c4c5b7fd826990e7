// The stored cases of the official PyTorch code through the CUDA decoder.
#include <memory>

#include "cuda_test.h"
#include "parity_cases.h"
#include "parity_files.h"

namespace {

using namespace unsam;

// The emulated device takes a second for each case: there each precision gets its own third of them.
#if defined(UNSAM_EMULATED_DEVICE)
constexpr std::size_t kEvery = 3;
#else
constexpr std::size_t kEvery = 1;
#endif

void parity_cases(const char* checkpoint, const char* folder, Precision precision, parity::Limits limits) {
  need_device();
  const auto shared = parity::shared_folder() / "parity";
  parity::run_cases(
      precision == Precision::bfloat16 ? "cuda bfloat16" : "cuda float32", shared / checkpoint / "checkpoint.safetensors", shared / folder,
      [&](const DecoderWeights& weights) -> parity::PrepareImage {
        return [decoder = std::make_shared<cuda::Decoder>(weights, cuda::DecoderOptions{.precision = precision})](const ImageFeatures& features) {
          return [decoder, image = decoder->prepare(features)](std::span<const Prompt> prompts, bool multimask) {
            return decoder->decode(*image, prompts, multimask);
          };
        };
      },
      precision == Precision::bfloat16, limits, {kEvery, precision == Precision::bfloat16 ? kEvery - 1 : 0});
}

}  // namespace

TEST("UnSAMv2 parity cases, float32") {
  parity_cases("unsamv2-mini-safetensors", "unsamv2-mini", Precision::float32, {1e-3, 1e-3, 0.999});
}

TEST("SAM 2.1 parity cases, float32") { parity_cases("sam21-mini", "sam21-mini", Precision::float32, {1e-3, 1e-3, 0.999}); }

TEST("UnSAMv2 parity cases, bfloat16") {
  parity_cases("unsamv2-mini-safetensors", "unsamv2-mini", Precision::bfloat16, {1e-2, 1e-2, 0.99});
}

TEST("SAM 2.1 parity cases, bfloat16") { parity_cases("sam21-mini", "sam21-mini", Precision::bfloat16, {1e-2, 1e-2, 0.99}); }
