// Token-side linear layers: y[rows][out] = x[rows][in] W^T + b, W packed in panels of 64 outputs.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>

#include "cpu/kernels.h"
#include "decoder/cpu/buffer.h"
#include "parallel/thread_team.h"

namespace unsam {

class Linear {
 public:
  Linear() = default;
  // weight [out][in] row-major, bias [out] (null: none); both are multiplied by `scale`.
  Linear(std::size_t out, std::size_t in, const float* weight, const float* bias, float scale = 1.0f);

  std::size_t in() const { return in_; }
  std::size_t panels() const { return panels_; }
  // [in][64]: columns of panel p.
  const float* panel(std::size_t p) const { return weight_.data() + p * in_ * kLanes; }
  const float* bias(std::size_t p) const { return bias_.data() + p * kLanes; }

 private:
  std::size_t in_ = 0, panels_ = 0;
  Buffer<float> weight_, bias_;
};

// One application; ldy >= 64 * panels.
struct LinearJob {
  const Linear* linear;
  const float* x;
  std::size_t ldx;
  float* y;
  std::size_t ldy;
};

// All jobs have the same number of rows; panels are shared out over the team.
void apply(const Kernels& kernels, ThreadTeam& team, std::size_t rows, std::span<const LinearJob> jobs);
inline void apply(const Kernels& kernels, ThreadTeam& team, std::size_t rows, std::initializer_list<LinearJob> jobs) {
  apply(kernels, team, rows, std::span(jobs.begin(), jobs.size()));
}

}  // namespace unsam
