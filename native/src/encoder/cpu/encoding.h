// One encode: the maps between the blocks, and the phases that make one from the other.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "decoder/cpu/buffer.h"
#include "encoder/cpu/attention.h"
#include "encoder/cpu/kernels.h"
#include "encoder/plan.h"
#include "encoder/cpu/scratch.h"
#include "encoder/cpu/weights.h"
#include "encoder/windows.h"
#include "parallel/items.h"

namespace unsam::encoder {

// A map of tokens, [side * side][ld].
struct TokenMap {
  std::size_t side = 0, width = 0, ld = 0;
  Buffer<float> values;

  TokenMap() = default;
  TokenMap(std::size_t map_side, std::size_t channels)
      : side(map_side), width(channels), ld(padded(channels)), values(map_side * map_side * padded(channels)) {}
  float* row(std::size_t token) { return values.data() + token * ld; }
  const float* row(std::size_t token) const { return values.data() + token * ld; }
};

template <class T>
class Encoding : Items<Scratch<T>> {
 public:
  Encoding(const Shape& shape, const Kernels& kernels, const Weights<T>& weights, ThreadTeam& team,
           const std::function<bool()>& cancelled)
      : Items<Scratch<T>>(team, cancelled), shape_(shape), kernels_(kernels), math_(math<T>(kernels)), weights_(weights),
        eps_(static_cast<float>(shape.plan.norm_eps)) {}

  // pixels [3][S][S]. False: cancelled.
  bool run(std::span<const float> pixels, EncodedFeatures& features);

 private:
  using Items<Scratch<T>>::each;

  bool embed_patches(std::span<const float> pixels);
  bool block(const BlockShape& shape);
  // What attention is added to, on a new map, where a block pools.
  bool shortcut(const BlockShape& shape, TokenMap& out);
  // Whole windows that fit a cache, several of them an item.
  bool small_windows(const BlockShape& shape, const std::vector<Window>& windows, TokenMap& out);
  void window_group(const BlockShape& shape, std::span<const Window> windows, TokenMap& out, Scratch<T>& scratch);
  // Queries, keys and values of a head, [rows][ldh] into `s.head`, from the operand [rows][lda].
  void project_head(const BlockShape& shape, std::size_t head, std::size_t rows, Scratch<T>& s, std::size_t lda, std::size_t ldh) const;
  // Queries as the products take them; `ld` becomes the stride of what is returned.
  const T* rounded_queries(std::size_t rows, std::size_t dim, const float* q, std::size_t& ld, std::size_t ld_rounded,
                           Scratch<T>& s) const;
  // A window whose keys and values lie in memory.
  bool large_window(const BlockShape& shape, const Window& window, TokenMap& out);
  // Adds a level to the results it is part of.
  bool add_level(std::size_t level, EncodedFeatures& features);

  // Pooled queries of a window: row i of `out` for cell i of `cells` (row-major, clipped to the map), from the first `dim`
  // channels of row(y, x) of the window.
  template <class Row>
  void pool_queries(const Window& cells, std::size_t first, std::size_t count, std::size_t dim, Row row, float* out,
                    std::size_t ld) const;
  void gather(const TokenMap& map, std::span<const std::size_t> tokens, float* out, std::size_t ld) const;
  void scatter(const float* x, std::size_t ld, std::span<const std::size_t> tokens, TokenMap& map) const;

  const Shape& shape_;
  const Kernels& kernels_;
  const Math<T>& math_;
  const Weights<T>& weights_;
  const float eps_;
  TokenMap map_;
  // Of a large window.
  Buffer<float> queries_;
  Buffer<T> keys_, values_;
};

template <class T>
template <class Row>
void Encoding<T>::pool_queries(const Window& cells, std::size_t first, std::size_t count, std::size_t dim, Row row, float* out,
                               std::size_t ld) const {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t y = (first + i) / cells.width * 2, x = (first + i) % cells.width * 2;
    const float* four[4] = {row(y, x), row(y, x + 1), row(y + 1, x), row(y + 1, x + 1)};
    kernels_.pool(dim, four, out + i * ld);
  }
}

template <class T>
void Encoding<T>::gather(const TokenMap& map, std::span<const std::size_t> tokens, float* out, std::size_t ld) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) std::copy_n(map.row(tokens[i]), map.ld, out + i * ld);
}

template <class T>
void Encoding<T>::scatter(const float* x, std::size_t ld, std::span<const std::size_t> tokens, TokenMap& map) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) std::copy_n(x + i * ld, map.ld, map.row(tokens[i]));
}

// The tokens of a window that lie on the map, row by row.
inline void append_tokens(const Window& window, std::size_t map_side, std::vector<std::size_t>& tokens) {
  for (std::size_t y = window.y; y < window.y + window.height; ++y) {
    for (std::size_t x = window.x; x < window.x + window.width; ++x) tokens.push_back(y * map_side + x);
  }
}

}  // namespace unsam::encoder
