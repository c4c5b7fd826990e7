#include "backend.h"

namespace unsam::addon {
namespace {

constexpr const char* kReason = "This build of the addon has no CUDA code; `npm run build:native -- --cuda` makes one that has.";

}  // namespace

std::shared_ptr<const Backend> open_cuda(const DecoderWeights&, Precision, int) {
  throw Error(ErrorCode::unsupported, kReason);
}

CudaSupport cuda_support() { return {{}, kReason}; }

}  // namespace unsam::addon
