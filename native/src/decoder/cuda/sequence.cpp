// The launches of a plan, in order.
#include "decoder/cuda/plan.h"
#include "decoder/cuda/prompt_matrices.h"
#include "decoder/cuda/tokens.h"

namespace unsam::cuda {
namespace {

std::size_t idx(int i) { return static_cast<std::size_t>(i); }

}  // namespace

void Plan::enqueue_kernels() {
  const cudaStream_t stream = stream_.get();
  const Constants& constants = engine_.constants;
  const Call& view = *host_call_;  // for its pointers, which never change
  const bool bf16 = engine_.bf16;
  const int prompts = pass_.prompts, rows = capacity_.rows, most = capacity_.tokens;
  constexpr int dim = static_cast<int>(kDim), inner = static_cast<int>(kInner), mlp = static_cast<int>(kMlp);
  const auto run = [&](std::initializer_list<LinearJob> list) {
    LinearJobs jobs;
    for (const LinearJob& job : list) jobs.add(job);
    linear(jobs, call_, stream);
  };
  const auto run_normalised = [&](NormView norm, float* normalised, std::initializer_list<LinearJob> list) {
    LinearJobs jobs;
    for (const LinearJob& job : list) jobs.add(job);
    norm_linear(jobs, norm, position_, normalised, call_, stream);
  };
  // A layer's job on the rows before their norm, with their position term or without.
  const auto job = [&](const LinearView& layer, float* y, int ldy, bool with_position, bool relu = false) {
    return LinearJob{layer, pre_, dim, y, ldy, rows, relu, with_position};
  };
  // Norm, token MLP and its residual: from the attention's output to the rows before norm3.
  const auto after_image_attention = [&](const TokenLayerView& layer) {
    run({{layer.to_image_out, attention_, inner, pre_, dim, rows, false, false, queries_}});
    run_normalised(layer.norm2, queries_, {job(layer.mlp0, hidden_, mlp, false, true)});
    run({{layer.mlp1, hidden_, mlp, pre_, dim, rows, false, false, queries_}});
  };
  const TokenLayerView &first = constants.layers[0], &second = constants.layers[1];

  prompt_tokens(call_, rows, stream);
  if (capacity_.masks > 0) embed_masks(bf16, call_, prompts, tiles_ * kTile, stream);

  // Layer 0: self-attention without position term and residual.
  run({{first.self_q, position_, dim, q_, dim, rows}, {first.self_k, position_, dim, k_, dim, rows},
       {first.self_v, position_, dim, v_, dim, rows}});
  self_attention(q_, k_, v_, mixed_, prompts, most, call_, stream);
  run({{first.self_out, mixed_, dim, pre_, dim, rows}});
  run_normalised(first.norm1, queries_, {job(first.to_image_q, view.query, inner, true)});
  image_pass(Pass::attend0, bf16, call_, pass_, scratch_.data(), stream);
  merge0(call_, prompts, pass_.columns, pass_.chunks, stream);
  after_image_attention(first);

  // Norm3 of layer 0, its image->token keys and values, and layer 1's self-attention.
  run_normalised(first.norm3, queries_,
                 {job(first.from_image_k, view.key, inner, true), job(first.from_image_v, view.value1, inner, false),
                  job(second.self_q, q_, dim, true), job(second.self_k, k_, dim, true), job(second.self_v, v_, dim, false)});
  self_attention(q_, k_, v_, mixed_, prompts, most, call_, stream);
  run({{second.self_out, mixed_, dim, pre_, dim, rows, false, false, queries_}});
  run_normalised(second.norm1, queries_, {job(second.to_image_q, view.query, inner, true)});
  layer0_matrices(bf16, call_, prompts, most, stream);
  image_pass(Pass::attend1, bf16, call_, pass_, scratch_.data(), stream);
  merge1(call_, prompts, pass_.columns, pass_.chunks, stream);
  after_image_attention(second);

  run_normalised(second.norm3, queries_,
                 {job(second.from_image_k, view.key, inner, true), job(second.from_image_v, view.value2, inner, false),
                  job(constants.final_q, view.query, inner, true)});
  layer1_matrices(bf16, call_, prompts, most, stream);
  image_pass(Pass::attend_final, bf16, call_, pass_, scratch_.data(), stream);
  merge_final(call_, prompts, pass_.columns, pass_.chunks, static_cast<int>(final_tokens_.size()), stream);
  heads();
  upscale(bf16, call_, pass_, stream);
}

// The last norm and the three-layer MLPs of the tokens that are read, each slot's prompts side by side.
void Plan::heads() {
  const Constants& constants = engine_.constants;
  const cudaStream_t stream = stream_.get();
  const int prompts = pass_.prompts, slots = static_cast<int>(final_tokens_.size());
  constexpr int dim = static_cast<int>(kDim), inner = static_cast<int>(kInner);
  LinearJobs out;
  out.add({constants.final_out, attention_, inner, head_a_, dim, prompts * slots, false, false, queries_, true});
  linear(out, call_, stream);
  const auto mlp_of = [&](int slot) -> const MlpView& {
    if (slot == 0) return constants.object_head;
    if (slot == 1) return constants.iou_head;
    return constants.hyper[engine_.folded.has_granularity ? 0 : final_tokens_[idx(slot)] - 2];
  };
  const float* x = head_a_;
  float* buffers[2] = {head_b_, head_c_};
  for (int layer = 0; layer < 3; ++layer) {
    LinearJobs jobs;
    for (int slot = 0; slot < slots; ++slot) {
      const MlpView& mlp = mlp_of(slot);
      if (layer >= mlp.depth) continue;
      const std::size_t at = idx(slot * prompts) * kDim;
      const bool last = layer + 1 == mlp.depth;
      jobs.add({mlp.layers[layer], x + at, dim, (last ? host_call_->heads : buffers[layer % 2]) + at, dim, prompts, !last});
    }
    if (layer == 0) {
      norm_linear(jobs, constants.final_norm, nullptr, nullptr, call_, stream);
    } else {
      linear(jobs, call_, stream);
    }
    x = buffers[layer % 2];
  }
}

}  // namespace unsam::cuda
