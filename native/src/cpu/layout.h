// Constants of the SAM 2 mask decoder and the layout all image-side data shares.
//
// Image tokens are cut into blocks of kLanes consecutive tokens. Inside a block data is channel-major,
// [channels][kLanes]: one SIMD lane is one image token. A block is thus at once the right-hand operand of a matrix
// product (no packing), and LayerNorm, softmax over prompt tokens and GELU are purely vertical operations.
#pragma once

#include <cstddef>

namespace unsam {

inline constexpr std::size_t kLanes = 64;        // image tokens per block
inline constexpr std::size_t kChunkBlocks = 4;   // blocks per work item; fixed, so results do not depend on threads
inline constexpr std::size_t kDim = 256;         // embedding width
inline constexpr std::size_t kHeads = 8;         // attention heads
inline constexpr std::size_t kInner = 128;       // width inside cross-attention
inline constexpr std::size_t kHeadDim = kInner / kHeads;
inline constexpr std::size_t kSelfHeadDim = kDim / kHeads;
inline constexpr std::size_t kMlp = 2048;
inline constexpr std::size_t kUp1 = 64;          // channels after the first transposed convolution
inline constexpr std::size_t kUp0 = 32;          // channels after the second one
inline constexpr std::size_t kMaskTokens = 4;
inline constexpr std::size_t kMaskChannels = 16; // channels of a mask prompt before its last 1x1 convolution

}  // namespace unsam
