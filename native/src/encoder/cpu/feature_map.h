// Maps that are convolved: positions row by row, their channels behind each other, with zeros around the map as padding.
#pragma once

#include <algorithm>
#include <cstddef>

#include "decoder/cpu/buffer.h"

namespace unsam::encoder {

struct FeatureMap {
  std::size_t width = 0, height = 0;
  std::size_t channels = 0;  // of a position, with the zeros that kernels ask for
  std::size_t halo = 0;      // positions of zeros on every side
  std::size_t pitch = 0;     // floats from one line to the next
  Buffer<float> values;

  FeatureMap() = default;
  FeatureMap(std::size_t w, std::size_t h, std::size_t c, std::size_t around) { reshape(w, h, c, around); }

  // For use as another map: memory stays where it is large enough; everything but the zeros around is undefined.
  void reshape(std::size_t w, std::size_t h, std::size_t c, std::size_t around) {
    width = w;
    height = h;
    channels = c;
    halo = around;
    pitch = (w + 2 * around) * c;
    values.reserve((h + 2 * around) * pitch);
    std::fill_n(values.data(), around * pitch, 0.0f);
    std::fill_n(values.data() + (h + around) * pitch, around * pitch, 0.0f);
    for (std::size_t y = 0; y < h; ++y) {
      float* line = values.data() + (y + around) * pitch;
      std::fill_n(line, around * c, 0.0f);
      std::fill_n(line + (w + around) * c, around * c, 0.0f);
    }
  }

  float* at(std::size_t y, std::size_t x) { return values.data() + (y + halo) * pitch + (x + halo) * channels; }
  const float* at(std::size_t y, std::size_t x) const { return values.data() + (y + halo) * pitch + (x + halo) * channels; }
  // What a centred kernel that reaches `reach` positions covers first there; reach <= halo.
  const float* before(std::size_t y, std::size_t x, std::size_t reach) const {
    return values.data() + (y + halo - reach) * pitch + (x + halo - reach) * channels;
  }
};

}  // namespace unsam::encoder
