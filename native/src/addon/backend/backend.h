// What decodes masks behind the handles: the CPU's decoder or that of a CUDA device.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "unsam/decoder.h"
#include "unsam/error.h"

namespace unsam::addon {

class BackendImage {
 public:
  virtual ~BackendImage() = default;
  // On the device or the processor, about.
  virtual std::size_t bytes() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::shared_ptr<const BackendImage> prepare(const ImageFeatures& features, std::size_t threads) const = 0;
  // Throws Error(bad_option) for an image of another backend.
  virtual std::vector<DecodedMasks> decode(const BackendImage& image, std::span<const Prompt> prompts,
                                           const DecodeOptions& options) const = 0;
};

std::shared_ptr<const Backend> open_cpu(const DecoderWeights& weights, Precision precision);
// Throws Error(unsupported) where CUDA cannot be used or was not built in.
std::shared_ptr<const Backend> open_cuda(const DecoderWeights& weights, Precision precision, int device);

struct CudaSupport {
  std::vector<std::string> devices;  // names, by index
  std::string reason;                // why none can be used; empty where one can
};
CudaSupport cuda_support();

// Shared by the backends: an image of `Prepared`, made by their own `prepare`.
template <class Prepared>
class ImageOf : public BackendImage {
 public:
  explicit ImageOf(std::shared_ptr<const Prepared> made) : prepared(std::move(made)) {}
  std::size_t bytes() const override { return memory_bytes(*prepared); }

  const std::shared_ptr<const Prepared> prepared;

  static const Prepared& of(const BackendImage& image) {
    if (const auto* mine = dynamic_cast<const ImageOf*>(&image)) return *mine->prepared;
    throw Error(ErrorCode::bad_option, "The image was prepared by another decoder; prepare it with this one.");
  }
};

}  // namespace unsam::addon
