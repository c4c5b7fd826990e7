#include "decoder/linear.h"

#include <algorithm>

#include "cpu/layout.h"

namespace unsam {
namespace {

constexpr std::size_t kRowsPerItem = 48;
constexpr std::size_t kSerialWork = 150'000;  // multiply-adds below which waking the team costs more than it gains

}  // namespace

Linear::Linear(std::size_t out, std::size_t in, const float* weight, const float* bias, float scale)
    : in_(in), panels_((out + kLanes - 1) / kLanes), weight_(panels_ * in * kLanes), bias_(panels_ * kLanes) {
  std::fill_n(weight_.data(), panels_ * in * kLanes, 0.0f);
  std::fill_n(bias_.data(), panels_ * kLanes, 0.0f);
  for (std::size_t o = 0; o < out; ++o) {
    float* column = weight_.data() + (o / kLanes) * in * kLanes + o % kLanes;
    for (std::size_t i = 0; i < in; ++i) column[i * kLanes] = weight[o * in + i] * scale;
    if (bias != nullptr) bias_[o] = bias[o] * scale;
  }
}

void apply(const Kernels& kernels, ThreadTeam& team, std::size_t rows, std::span<const LinearJob> jobs) {
  const std::size_t row_items = (rows + kRowsPerItem - 1) / kRowsPerItem;
  std::size_t panels = 0, work = 0;
  for (const LinearJob& job : jobs) {
    panels += job.linear->panels();
    work += rows * job.linear->panels() * kLanes * job.linear->in();
  }
  const auto task = [&](std::size_t item, std::size_t) {
    std::size_t panel = item / row_items;
    const std::size_t row = item % row_items * kRowsPerItem;
    const LinearJob* job = jobs.data();
    for (; panel >= job->linear->panels(); ++job) panel -= job->linear->panels();
    kernels.gemm({.m = std::min(kRowsPerItem, rows - row),
                  .k = job->linear->in(),
                  .a = job->x + row * job->ldx,
                  .lda = job->ldx,
                  .b = job->linear->panel(panel),
                  .c = job->y + row * job->ldy + panel * kLanes,
                  .ldc = job->ldy,
                  .c0 = job->linear->bias(panel)});
  };
  if (work < kSerialWork) {
    for (std::size_t item = 0; item < panels * row_items; ++item) task(item, 0);
  } else {
    team.run(panels * row_items, task);
  }
}

}  // namespace unsam
