// What goes before and after the sixteen products of a 3 x 3 convolution by F(2 x 2, 3 x 3) (Winograd 1980; Lavin and Gray 2016).
#include "encoder/cpu/kernels/table.h"

namespace unsam::UNSAM_ISA::encoder {

void winograd_input(const WinogradInput& w) {
  for (std::size_t tile = 0; tile < w.tiles; ++tile) {
    const float* in = w.a + 2 * tile * w.channels;
    float* out = w.out + tile * w.channels;
    for (std::size_t c = 0; c < w.channels; c += kWidth) {
      Vec t[4][4];  // by column, transformed along it
#pragma GCC unroll 4
      for (std::size_t x = 0; x < 4; ++x) {
        const float* at = in + x * w.channels + c;
        const Vec d0 = load(at), d1 = load(at + w.a_line), d2 = load(at + 2 * w.a_line), d3 = load(at + 3 * w.a_line);
        t[0][x] = d0 - d2;
        t[1][x] = d1 + d2;
        t[2][x] = d2 - d1;
        t[3][x] = d1 - d3;
      }
#pragma GCC unroll 4
      for (std::size_t y = 0; y < 4; ++y) {
        float* to = out + 4 * y * w.plane + c;
        store(to, t[y][0] - t[y][2]);
        store(to + w.plane, t[y][1] + t[y][2]);
        store(to + 2 * w.plane, t[y][2] - t[y][1]);
        store(to + 3 * w.plane, t[y][1] - t[y][3]);
      }
    }
  }
}

void winograd_output(const WinogradOutput& w) {
  for (std::size_t tile = 0; tile < w.tiles; ++tile) {
    const float* in = w.products + tile * w.channels;
    float* out = w.c + 2 * tile * w.channels;
    for (std::size_t c = 0; c < w.channels; c += kWidth) {
      Vec t[2][4];
#pragma GCC unroll 4
      for (std::size_t x = 0; x < 4; ++x) {
        const float* at = in + x * w.plane + c;
        const Vec m1 = load(at + 4 * w.plane), m2 = load(at + 8 * w.plane);
        t[0][x] = load(at) + m1 + m2;
        t[1][x] = m1 - m2 - load(at + 12 * w.plane);
      }
      const Vec bias = load(w.bias + c);
#pragma GCC unroll 2
      for (std::size_t y = 0; y < 2; ++y) {
        const Vec two[2] = {t[y][0] + t[y][1] + t[y][2], t[y][1] - t[y][2] - t[y][3]};
#pragma GCC unroll 2
        for (std::size_t x = 0; x < 2; ++x) {
          float* to = out + y * w.c_line + x * w.channels + c;
          Vec sum = two[x] + bias;
          if (w.add) sum += load(to);
          store(to, w.relu ? max(sum, Vec{}) : sum);
        }
      }
    }
  }
}

}  // namespace unsam::UNSAM_ISA::encoder
