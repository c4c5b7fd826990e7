// The decoder's constants (decoder/folded.h) on the device.
#pragma once

#include "decoder/cuda/call.h"
#include "cuda/runtime/memory.h"
#include "cuda/runtime/stream.h"

namespace unsam::cuda {

struct TokenLayerView {
  LinearView self_q, self_k, self_v, self_out;
  NormView norm1, norm2, norm3;
  LinearView to_image_q, to_image_out, mlp0, mlp1, from_image_k, from_image_v;
};

struct MlpView {
  LinearView layers[3];
  int depth;
};

class Constants {
 public:
  Constants(const Folded& folded, bool bf16, std::shared_ptr<MemoryPool> pool, const Stream& stream);

  ConstantsView view;
  TokenLayerView layers[2];
  LinearView final_q, final_out;
  NormView final_norm;
  MlpView iou_head, object_head, hyper[kMaskTokens];

 private:
  DeviceArray<char> memory_;
};

}  // namespace unsam::cuda
