#include "../call.h"
#include "../result_arrays.h"
#include "arguments.h"
#include "exports.h"
#include "results.h"

namespace unsam::addon {

// encodeRLE(masks, { threads })
Napi::Value encode_rle(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const Threads threads = read_threads(read_options(info[1]));
    auto work = [masks = read_masks(info[0]), threads] {
      check_mask_stack(masks);
      const std::size_t size = words_per_row(masks.width) * masks.height;
      std::vector<RunLengths> counts(masks.count);
      with_threads(threads, [&](const ParallelFor& parallel) {
        parallel(masks.count, [&](std::size_t k) {
          counts[k] = unsam::encode_rle({masks.words.data() + k * size, size}, masks.width, masks.height);
        });
      });
      return counts;
    };
    return start_call(info.Env(), std::move(work), run_lengths_array);
  });
}

// decodeRLE(counts, size, { maxPixels })
Napi::Value decode_rle(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    const auto object = read_object(info[1], "The size of an RLE", ErrorCode::bad_file);
    const Size size{read_count(object.Get("width"), "The width of an RLE", ErrorCode::bad_file),
                    read_count(object.Get("height"), "The height of an RLE", ErrorCode::bad_file)};
    const std::size_t max_pixels =
        read_count(read_options(info[2]).Get("maxPixels"), "The option maxPixels", ErrorCode::bad_option);
    auto work = [counts = read_words(info[0], "The counts of an RLE", ErrorCode::bad_file), size, max_pixels] {
      return unsam::decode_rle(counts, size.width, size.height, max_pixels);
    };
    return start_call(info.Env(), std::move(work), word_array);
  });
}

// encodeCounts(counts)
Napi::Value encode_counts(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto work = [counts = read_words(info[0], "The counts of an RLE", ErrorCode::bad_file)] {
      return unsam::encode_counts(counts);
    };
    return start_call(info.Env(), std::move(work), [](Napi::Env env, std::string&& text) -> Napi::Value {
      return Napi::String::New(env, text);
    });
  });
}

// decodeCounts(text)
Napi::Value decode_counts(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    if (!info[0].IsString()) throw Error(ErrorCode::bad_file, "The text of an RLE must be a string.");
    auto work = [text = info[0].As<Napi::String>().Utf8Value()] { return unsam::decode_counts(text); };
    return start_call(info.Env(), std::move(work), word_array);
  });
}

}  // namespace unsam::addon
