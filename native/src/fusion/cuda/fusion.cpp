#include "fusion/cuda/call.h"
#include "unsam/cuda_fusion.h"

namespace unsam::cuda {

Fusion::Fusion(const FusionSettings& settings) : state_(std::make_unique<State>(settings)) {}
Fusion::~Fusion() = default;

std::size_t Fusion::memory_bytes() const { return state_->pool->bytes_in_use(); }

}  // namespace unsam::cuda
