// libFuzzer target for what comes from files and from JavaScript: run lengths, their text form, and sizes and offsets of
// masks, labels and forests. Nothing may crash; whatever is accepted must come back the same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "unsam/fusion.h"

namespace {

using namespace unsam;

void require(bool condition) {
  if (!condition) std::abort();
}

// Takes numbers off the input until it is used up; then zeros.
struct Input {
  const std::uint8_t* data;
  std::size_t size;

  std::uint64_t take(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::size_t n = bytes < size ? bytes : size;
    if (n == 0) return 0;
    std::memcpy(&value, data, n);
    data += n;
    size -= n;
    return value;
  }
  template <typename T>
  std::vector<T> take_list() {
    std::vector<T> list(take(1) % 64);
    for (T& value : list) value = static_cast<T>(take(sizeof(T)));
    return list;
  }
};

template <typename Call>
void attempt(Call&& call) {
  try {
    call();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const RunLengths counts = decode_counts(text);
    require(decode_counts(encode_counts(counts)) == counts);
  });
  Input in{data, size};
  // Mostly sizes that could be, sometimes anything.
  const auto side = [&in] { return static_cast<std::size_t>(in.take(1) % 8 == 0 ? in.take(8) : in.take(1)); };
  const std::size_t width = side(), height = side(), count = side();
  const auto counts = in.take_list<std::uint32_t>();
  attempt([&] {
    const auto words = decode_rle(counts, width, height, 1 << 14);
    const auto again = encode_rle(words, width, height);
    require(decode_rle(again, width, height, 1 << 14) == words);
    find_components(words, width, height, Connectivity::eight);
    remove_small_regions(words, width, height, SmallRegions::holes, 5.0);
  });
  const auto words = in.take_list<std::uint32_t>();
  const auto boxes = in.take_list<std::int32_t>();
  const auto logits = in.take_list<float>();
  RegionForest forest{in.take_list<std::int32_t>(), in.take_list<std::uint16_t>(), in.take_list<std::int32_t>()};
  const auto labels = in.take_list<std::int32_t>();
  attempt([&] { encode_rle(words, width, height); });
  attempt([&] { pairwise_overlaps({count, width, height, words}, boxes, serial_for); });
  // No masks fit any size, and their label map has that size: gigabytes of zeros, rightly.
  if (count > 0 || height == 0 || width <= (1 << 20) / height) {
    attempt([&] { finest_labels({count, width, height, words}, forest, serial_for); });
  }
  attempt([&] { label_map_at(labels, forest, 0.5, serial_for); });
  attempt([&] { fuse_labels(labels, forest, width, height, serial_for); });
  attempt([&] { mask_statistics({count, height, width, logits}, {}, serial_for); });
  attempt([&] {
    const std::vector<double> ones(count < 64 ? count : 0, 1.0);
    fuse_logits({count, height, width, logits}, ones, ones, {}, serial_for);
    finish_masks({count, height, width, logits}, in.take(1), in.take(1), {}, serial_for);
  });
  return 0;
}
