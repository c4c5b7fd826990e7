// The stored cases of the official PyTorch code through the CPU decoder.
#include <memory>

#include "cpu/isa.h"
#include "parity_cases.h"
#include "parity_files.h"
#include "test.h"
#include "unsam/decoder.h"

namespace {

using parity::Limits;

void run_cases(const std::filesystem::path& checkpoint, const std::filesystem::path& folder, unsam::Precision precision,
               Limits limits) {
  parity::run_cases(
      unsam::kernels().name, checkpoint, folder,
      [&](const unsam::DecoderWeights& weights) -> parity::PrepareImage {
        return [decoder = std::make_shared<unsam::Decoder>(weights, unsam::DecoderOptions{precision})](const unsam::ImageFeatures& features) {
          return [decoder, image = decoder->prepare(features, 2)](std::span<const unsam::Prompt> prompts, bool multimask) {
            return decoder->decode(*image, prompts, {multimask, 2});
          };
        };
      },
      precision == unsam::Precision::bfloat16, limits);
}

constexpr Limits kFloat32{1e-5, 1e-5, 0.9999};
constexpr Limits kBfloat16{1e-2, 1e-2, 0.99};

void need_bfloat16() {
  if (unsam::kernels().bf16 == nullptr) throw test::Skip{"this instruction set has no bfloat16 dot product"};
}

}  // namespace

TEST("UnSAMv2 cases, float32") {
  const auto shared = parity::shared_folder() / "parity";
  run_cases(shared / "unsamv2-mini-safetensors" / "checkpoint.safetensors", shared / "unsamv2-mini",
            unsam::Precision::float32, kFloat32);
}

TEST("SAM 2.1 cases, float32") {
  const auto shared = parity::shared_folder() / "parity";
  run_cases(shared / "sam21-mini" / "checkpoint.safetensors", shared / "sam21-mini", unsam::Precision::float32, kFloat32);
}

TEST("UnSAMv2 cases, bfloat16") {
  need_bfloat16();
  const auto shared = parity::shared_folder() / "parity";
  run_cases(shared / "unsamv2-mini-safetensors" / "checkpoint.safetensors", shared / "unsamv2-mini",
            unsam::Precision::bfloat16, kBfloat16);
}

TEST("SAM 2.1 cases, bfloat16") {
  need_bfloat16();
  const auto shared = parity::shared_folder() / "parity";
  run_cases(shared / "sam21-mini" / "checkpoint.safetensors", shared / "sam21-mini", unsam::Precision::bfloat16, kBfloat16);
}
