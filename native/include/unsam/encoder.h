// The image encoder of SAM 2.1 / UnSAMv2 (Hiera with its feature pyramid): from pixels to what the mask decoder reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unsam/decoder.h"
#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam {

// One transformer block of the trunk.
struct EncoderBlock {
  std::size_t width;   // channels it puts out; what comes in is the width of the block before
  std::size_t heads;
  std::size_t hidden;  // of its MLP
  std::size_t window;  // side in tokens of the incoming map; 0 attends over the whole map
  bool pools;          // the first block of a later stage: queries are max-pooled 2 x 2, the map leaves at half the side
};

// Everything about an encoder that its tensors do not say.
struct EncoderPlan {
  std::size_t image_size;  // S, a multiple of 32
  std::size_t embed_dim;
  std::size_t patch_kernel[2], patch_padding[2];  // rows, columns; the stride is 4
  double norm_eps;
  std::vector<EncoderBlock> blocks;  // exactly three of them pool
  std::size_t neck_width;            // d, a multiple of 16
  bool top_down[3];                  // levels 0 to 2 (0 the finest) that add the next coarser one at doubled size
  bool average;                      // such a sum is halved
  bool add_no_memory;                // `no_mem_embed` is added to the embedding
};

struct EncodeOptions {
  std::size_t threads = 1;          // including the calling one; the result does not depend on it
  std::function<bool()> cancelled{};  // asked every few milliseconds, on any of the threads; true: stop. May be empty
};

// Three maps for a network side S with s = S / 16: [d, s, s], [d / 8, 4s, 4s], [d / 4, 2s, 2s].
struct EncodedFeatures {
  std::vector<float> image_embed, high_res_0, high_res_1;
};

// RGB bytes, [height, width, 3].
struct PhotoView {
  std::size_t width, height;
  std::span<const std::uint8_t> data;
};

class ImageEncoder {
 public:
  // `vectors` holds every tensor that `loads_alone` denies, under its official name, LoRA folded in; others are ignored.
  // Throws Error(bad_option) for a plan that makes no sense, Error(bad_checkpoint) for missing or misshapen tensors.
  ImageEncoder(const EncoderPlan& plan, TensorMap vectors, Precision precision = Precision::float32);
  ~ImageEncoder();
  ImageEncoder(const ImageEncoder&) = delete;
  ImageEncoder& operator=(const ImageEncoder&) = delete;

  // The large matrices come one at a time, in any order, so that a checkpoint is never in memory twice. Their names:
  const std::vector<std::string>& matrices() const noexcept;
  // Packs one; its memory is free afterwards. Throws Error(bad_checkpoint) for another name or shape, or a second time.
  void load(const std::string& name, const TensorView& tensor);

  // None: cancelled. Throws Error(bad_checkpoint) where a matrix has not been loaded, Error(bad_file) for bad sizes,
  // Error(bad_option). Safe to call from several threads at once once everything is loaded.
  std::optional<EncodedFeatures> encode(const PhotoView& photo, const EncodeOptions& options) const;
  // From pixels [3, S, S], already resized and normalised.
  std::optional<EncodedFeatures> encode(std::span<const float> pixels, const EncodeOptions& options) const;

  std::size_t memory_bytes() const noexcept;  // of the packed weights
  const char* instruction_set() const noexcept;

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace unsam
