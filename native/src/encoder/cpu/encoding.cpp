#include "encoder/cpu/encoding.h"

namespace unsam::encoder {
namespace {

// Largest window whose queries, keys and values stay in a cache while it is worked on, in tokens.
constexpr std::size_t kSmallWindow = 256;
// Patches, and tokens of a pooled shortcut, of one item.
constexpr std::size_t kPatches = 96, kPooled = 32;

}  // namespace

template <class T>
bool Encoding<T>::run(std::span<const float> pixels, EncodedFeatures& features) {
  for (std::size_t o = 0; o < 3; ++o) {
    const auto& output = shape_.outputs[o];
    const std::size_t side = shape_.level_side[output.base];
    (o == 0 ? features.image_embed : o == 1 ? features.high_res_0 : features.high_res_1).resize(output.channels * side * side);
  }
  if (!embed_patches(pixels)) return false;
  for (const BlockShape& shape : shape_.blocks) {
    if (!block(shape)) return false;
    if (shape.level >= 0 && !add_level(static_cast<std::size_t>(shape.level), features)) return false;
  }
  return true;
}

template <class T>
bool Encoding<T>::embed_patches(std::span<const float> pixels) {
  const EncoderPlan& plan = shape_.plan;
  const std::size_t size = plan.image_size, side = shape_.side, height = plan.patch_kernel[0], width = plan.patch_kernel[1];
  const std::size_t inputs = 3 * height * width, depth = weights_.patch.depth, lda = padded(depth) + kSlack;
  map_ = TokenMap(side, plan.embed_dim);
  const std::size_t tokens = side * side;
  return each((tokens + kPatches - 1) / kPatches, [&](std::size_t item, Scratch<T>& s) {
    const std::size_t first = item * kPatches, rows = std::min(kPatches, tokens - first);
    s.operand.reserve(kPatches * lda);
    s.head.reserve(padded(depth));
    float* patch = s.head.data();
    std::fill_n(patch, padded(depth), 0.0f);
    for (std::size_t row = 0; row < rows; ++row) {
      // The top left pixel of the patch, before the first one where the padding begins.
      const auto top = static_cast<std::ptrdiff_t>((first + row) / side * 4) - static_cast<std::ptrdiff_t>(plan.patch_padding[0]);
      const auto left = static_cast<std::ptrdiff_t>((first + row) % side * 4) - static_cast<std::ptrdiff_t>(plan.patch_padding[1]);
      const auto end = static_cast<std::ptrdiff_t>(size);
      const std::size_t from = left < 0 ? static_cast<std::size_t>(-left) : 0;
      const std::size_t to = std::min(width, static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, end - left)));
      float* out = patch;
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t i = 0; i < height; ++i, out += width) {
          const std::ptrdiff_t y = top + static_cast<std::ptrdiff_t>(i);
          if (y < 0 || y >= end || from >= to) {
            std::fill_n(out, width, 0.0f);
            continue;
          }
          const float* in = pixels.data() + (c * size + static_cast<std::size_t>(y)) * size;
          for (std::size_t j = 0; j < width; ++j) {
            out[j] = j >= from && j < to ? in[left + static_cast<std::ptrdiff_t>(j)] : 0.0f;
          }
        }
      }
      math_.convert(1, inputs, patch, 0, nullptr, s.operand.data() + row * lda, lda);
    }
    std::copy_n(weights_.position.data() + first * map_.ld, rows * map_.ld, map_.row(first));
    math_.product({.rows = rows,
                   .n = plan.embed_dim,
                   .depth = depth,
                   .a = s.operand.data(),
                   .lda = lda,
                   .b = weights_.patch.panels.data(),
                   .b_depth = depth,
                   .bias = weights_.patch.bias.data(),
                   .c = map_.row(first),
                   .ldc = map_.ld,
                   .add = true});
  });
}

template <class T>
bool Encoding<T>::block(const BlockShape& shape) {
  TokenMap pooled;
  if (shape.pools) {
    pooled = TokenMap(shape.side_out, shape.width);
    if (!shortcut(shape, pooled)) return false;
  }
  TokenMap& out = shape.pools ? pooled : map_;
  const std::vector<Window> windows = windows_of(shape.side, shape.window);
  if (windows.front().side * windows.front().side <= kSmallWindow) {
    if (!small_windows(shape, windows, out)) return false;
  } else {
    for (const Window& window : windows) {
      if (!large_window(shape, window, out)) return false;
    }
    queries_ = {};
    keys_ = {};
    values_ = {};
  }
  if (shape.pools) map_ = std::move(pooled);
  return true;
}

template <class T>
bool Encoding<T>::shortcut(const BlockShape& shape, TokenMap& out) {
  const BlockWeights<T>& weights = weights_.blocks[shape.index];
  const std::size_t side = shape.side_out, strips = (side + kPooled - 1) / kPooled;
  const std::size_t lda = padded(shape.width_in) + kSlack, ld = padded(shape.width) + kSlack;
  return each(side * strips, [&](std::size_t item, Scratch<T>& s) {
    const std::size_t y = item / strips, x = item % strips * kPooled, cells = std::min(kPooled, side - x);
    // Two rows of the incoming map: 2 cells tokens of each.
    s.rows.resize(std::max(s.rows.size(), 4 * cells));
    for (std::size_t i = 0; i < 4 * cells; ++i) {
      s.rows[i] = map_.row((2 * y + i / (2 * cells)) * shape.side + 2 * x + i % (2 * cells));
    }
    if (shape.projects) {
      s.operand.reserve(4 * kPooled * lda);
      s.sum.reserve(4 * kPooled * ld);
      math_.normalise(4 * cells, shape.width_in, s.rows.data(), eps_, s.operand.data(), lda);
      math_.product({.rows = 4 * cells,
                     .n = shape.width,
                     .depth = weights.shortcut.depth,
                     .a = s.operand.data(),
                     .lda = lda,
                     .b = weights.shortcut.panels.data(),
                     .b_depth = weights.shortcut.depth,
                     .bias = weights.shortcut.bias.data(),
                     .c = s.sum.data(),
                     .ldc = ld});
      for (std::size_t i = 0; i < 4 * cells; ++i) s.rows[i] = s.sum.data() + i * ld;
    }
    for (std::size_t i = 0; i < cells; ++i) {
      const float* four[4] = {s.rows[2 * i], s.rows[2 * i + 1], s.rows[2 * (cells + i)], s.rows[2 * (cells + i) + 1]};
      kernels_.pool(shape.width, four, out.row(y * side + x + i));
    }
  });
}

template <class T>
bool Encoding<T>::add_level(std::size_t level, EncodedFeatures& features) {
  constexpr std::size_t kTokens = 96;
  const std::size_t side = shape_.level_side[level], tokens = side * side;
  return each((tokens + kTokens - 1) / kTokens, [&](std::size_t item, Scratch<T>& s) {
    const std::size_t first = item * kTokens, rows = std::min(kTokens, tokens - first);
    const std::size_t lda = padded(map_.width) + kSlack;
    s.operand.reserve(kTokens * lda);
    math_.convert(rows, map_.width, map_.row(first), map_.ld, nullptr, s.operand.data(), lda);
    for (std::size_t o = 0; o < 3; ++o) {
      const auto [channels, base, terms] = shape_.outputs[o];
      if (level < base || level >= base + terms) continue;
      std::vector<float>& out = o == 0 ? features.image_embed : o == 1 ? features.high_res_0 : features.high_res_1;
      const Linear<T>& linear = weights_.outputs[o][level - base];
      const std::size_t ld = padded(channels) + kSlack;
      s.sum.reserve(kTokens * (ld + channels));
      math_.product({.rows = rows,
                     .n = channels,
                     .depth = linear.depth,
                     .a = s.operand.data(),
                     .lda = lda,
                     .b = linear.panels.data(),
                     .b_depth = linear.depth,
                     .bias = linear.bias.data(),
                     .c = s.sum.data(),
                     .ldc = ld});
      if (level == base) {
        kernels_.transpose(rows, channels, s.sum.data(), ld, out.data() + first, tokens);
        continue;
      }
      // Nearest neighbour: each token is added to a square of cells that no other token touches.
      const std::size_t factor = std::size_t{1} << (level - base), wide = side * factor;
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t row = 0; row < rows; ++row) {
          const std::size_t y = (first + row) / side * factor, x = (first + row) % side * factor;
          float* cell = out.data() + (c * wide + y) * wide + x;
          const float value = s.sum[row * ld + c];
          for (std::size_t i = 0; i < factor; ++i, cell += wide) {
            for (std::size_t j = 0; j < factor; ++j) cell[j] += value;
          }
        }
      }
    }
  });
}

}  // namespace unsam::encoder

#include "encoder/cpu/window_attention.h"

namespace unsam::encoder {

template class Encoding<float>;
template class Encoding<std::uint16_t>;

}  // namespace unsam::encoder
