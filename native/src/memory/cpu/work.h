// What a call of memory attention and one of the memory encoder have in common: items of work on a team of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "encoder/cpu/scratch.h"
#include "memory/cpu/positions.h"
#include "memory/cpu/weights.h"
#include "parallel/items.h"

namespace unsam::memory {

using encoder::kQueryRows;
using encoder::kSlack;
using encoder::padded;
using Scratch = encoder::Scratch<float>;

constexpr std::size_t pieces(std::size_t whole, std::size_t part) { return (whole + part - 1) / part; }

enum class Activation { relu, gelu };

class Work : protected Items<Scratch> {
 public:
  Work(const MemoryPlan& plan, const encoder::Kernels& kernels, const Weights& weights, const Positions& positions, ThreadTeam& team,
       const std::function<bool()>& cancelled)
      : Items(team, cancelled), plan_(plan), kernels_(kernels), math_(kernels.float32), weights_(weights), positions_(positions) {}

 protected:
  // c[rows][ldc] = (or +=) linear(a[rows][lda]).
  void apply(const Linear<float>& linear, std::size_t rows, const float* a, std::size_t lda, float* c, std::size_t ldc,
             bool add = false) const;
  // scratch.operand [rows][padded(width) + kSlack] = rows of x without their mean and deviation.
  void normalise(Scratch& scratch, std::size_t rows, std::size_t width, const float* x, std::size_t ldx, float eps) const;
  // sum[rows][ld] += second(activation(first(scratch.operand))).
  void feed_forward(Scratch& scratch, std::size_t rows, std::size_t width, const Linear<float>& first, const Linear<float>& second,
                    Activation activation, float* sum, std::size_t ld) const;
  // out[rows][ld] = cells `first` on of planes [channels][n].
  void from_planes(std::span<const float> planes, std::size_t first, std::size_t rows, std::size_t channels, float* out,
                   std::size_t ld) const;

  const MemoryPlan& plan_;
  const encoder::Kernels& kernels_;
  const encoder::Math<float>& math_;
  const Weights& weights_;
  const Positions& positions_;
};

}  // namespace unsam::memory
