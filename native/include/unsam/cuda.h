// The CUDA backend, seen without CUDA's own headers. A machine without a driver or without a device loads the same library:
// device_count() is 0 there and why_unavailable() says why.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "unsam/decoder.h"
#include "unsam/error.h"
#include "unsam/weights.h"

namespace unsam::cuda {

struct DeviceInfo {
  int index;
  std::string name;
  int major, minor;          // compute capability
  std::size_t memory_bytes;
  int multiprocessors;
};

int device_count() noexcept;

// One sentence, or empty where at least one device can be used.
std::string why_unavailable();

// Throws Error(bad_option) for an index that does not exist, Error(unsupported) where there is no device at all.
DeviceInfo device_info(int device);

struct DecoderOptions {
  // float32: operands as two bfloat16 parts each, relative error about 2^-17 a product. bfloat16: the products with image
  // tokens have bfloat16 operands; sums, softmax, norms and everything on the token side are as with float32.
  Precision precision = Precision::bfloat16;
  int device = 0;
  std::size_t memory_limit = 0;  // bytes of device memory, 0: what the device has
  bool graphs = true;            // record the launches of batches of similar size when they come again, then replay them
  bool keep_memory = true;       // keep returned device memory (at most 256 MB) for the next image
};

// Most tokens of a prompt, the model's own (at most 8) included: a device's memory for it grows with their square, half a
// gigabyte for this many. unsam::Decoder takes more.
inline constexpr std::size_t kMostTokens = 128;

// An image made ready on the device. Immutable, may be shared between threads; outlives its decoder at most unused.
class PreparedImage;

// Device memory an image holds, without what it shares with others of its size.
std::size_t memory_bytes(const PreparedImage& image) noexcept;

// Decoded masks whose logits stay on the device until somebody asks for them: fusion there reads them in place (DeviceLogitMaps of
// unsam/cuda_fusion.h: {maps(), side(), side(), logits()}), and packed masks come back instead. Immutable; may be shared between
// threads, and may outlive its decoder.
class DecodedOnDevice {
 public:
  struct State;
  explicit DecodedOnDevice(std::unique_ptr<const State> state);
  ~DecodedOnDevice();

  // One per prompt, in order, without low_res.
  const std::vector<DecodedMasks>& results() const noexcept;
  std::size_t maps() const noexcept;     // masks of all prompts together; each prompt has as many as the others
  std::size_t side() const noexcept;     // of a map, in logits: 4 times the features'
  const float* logits() const noexcept;  // on the device, [maps, side, side], prompt after prompt, complete
  // low_res of one prompt, copied to the host now. Throws Error(bad_option) for a prompt that there is not, Error(device).
  std::vector<float> low_res(std::size_t prompt) const;

 private:
  std::unique_ptr<const State> state_;
};

// The CUDA version of unsam::Decoder, with the same prompts and results; a class of its own, since options and limits differ.
// Every function throws Error(out_of_memory), after which the decoder works as before, and Error(device), after which it may be
// the device that does not.
class Decoder {
 public:
  // Throws Error(unsupported) where CUDA or the device cannot be used, Error(bad_option) for a wrong device index.
  explicit Decoder(const DecoderWeights& weights, const DecoderOptions& options = {});
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Throws Error(bad_features) when a length does not fit `side`.
  std::shared_ptr<const PreparedImage> prepare(const ImageFeatures& features) const;

  // One result per prompt, in order; bit-identical for the same batch, and for a prompt beside any others of as many. Safe to call
  // from several threads at once, each call on a stream of its own. Throws Error(bad_prompt, bad_option) before any work is done.
  std::vector<DecodedMasks> decode(const PreparedImage& image, std::span<const Prompt> prompts, bool multimask) const;

  // The same masks and scores, bit for bit; the logits stay on the device. Throws what `decode` throws.
  std::shared_ptr<const DecodedOnDevice> decode_on_device(const PreparedImage& image, std::span<const Prompt> prompts,
                                                          bool multimask) const;

  // Milliseconds per replay of decoding at most 64 prompts, by events on the device; for benchmarks.
  float time(const PreparedImage& image, std::span<const Prompt> prompts, bool multimask, int replays, bool transfers) const;

  bool has_granularity() const noexcept;
  std::size_t memory_bytes() const;  // device memory in use

  class State;

 private:
  std::unique_ptr<const State> state_;
};

}  // namespace unsam::cuda
