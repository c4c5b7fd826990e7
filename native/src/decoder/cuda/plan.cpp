#include "decoder/cuda/plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "decoder/cuda/prompt_matrices.h"
#include "decoder/cuda/tokens.h"
#include "decoder/select.h"

namespace unsam::cuda {
namespace {

// Places arrays in a block of memory; without memory it only measures.
struct Placer {
  char* base;
  std::size_t size = 0;
  template <typename T>
  T* take(std::size_t n) {
    const std::size_t at = size;
    size += (n * sizeof(T) + 255) / 256 * 256;
    return base == nullptr ? nullptr : reinterpret_cast<T*>(base + at);
  }
  char* bytes(std::size_t n) { return take<char>(n); }
};

struct ImageSizes {
  std::size_t padded;   // image tokens, whole tiles
  std::size_t chunks;
  std::size_t element;  // bytes
};

// The arrays of one prompt of `t` tokens, one after the other.
void place_prompt(PromptView& w, std::size_t t, std::size_t final_count, const ImageSizes& sizes, Placer& at) {
  const std::size_t c = 8 * t, cf = 8 * final_count, padded = sizes.padded, chunks = sizes.chunks, element = sizes.element;
  w.attention = at.bytes(2 * c * padded * element);
  w.inverse1 = at.take<float>(padded);
  w.inverse2 = at.take<float>(padded);
  w.partial_max = at.take<float>(chunks * c);
  w.partial_sum = at.take<float>(chunks * c);
  w.partial_values = at.take<float>(chunks * std::max(c * (kHeadDim + c), cf * (kHeadDim + 2 * c + 1)));
  w.gram1 = at.bytes(c * c * element);
  w.to_score1 = at.bytes(c * c * element);
  w.to_query1 = at.bytes(c * c * element);
  w.gram12 = at.bytes(4 * c * c * element);
  w.to_score_final = at.bytes(cf * 2 * c * element);
  w.to_upscale = at.bytes(4 * kUp1 * 2 * c * element);
  w.linear12 = at.take<float>(2 * c);
  w.query1_shift = at.take<float>(c);
  w.score_shift = at.take<float>(cf);
  w.to_value1 = at.take<float>(c * kInner);
  w.to_value_final1 = at.take<float>(c * kInner);
  w.to_value_final2 = at.take<float>(c * kInner);
}

std::size_t idx(int i) { return static_cast<std::size_t>(i); }

int masks_of(bool granularity, bool multimask) { return granularity ? 1 : multimask ? 3 : 2; }

}  // namespace

bool BatchShape::masked() const {
  return std::any_of(prompts.begin(), prompts.end(), [](int t) { return t < 0; });
}

Plan::Plan(const Engine& engine, BatchShape shape)
    : engine_(engine), shape_(std::move(shape)), final_tokens_(tokens_read(engine.folded.has_granularity, shape_.multimask)) {
  const int prompts = static_cast<int>(shape_.prompts.size()), tokens = shape_.side * shape_.side;
  for (const int t : shape_.prompts) {
    rows_ += std::abs(t);
    max_tokens_ = std::max(max_tokens_, std::abs(t));
  }
  tiles_ = (tokens + kTile - 1) / kTile;
  // Enough blocks to fill the device a few times over, each with as many tiles as possible: partial results are few then.
  const int wanted = std::clamp((4 * engine_.multiprocessors + prompts - 1) / prompts, 1, tiles_);
  tiles_per_chunk_ = (tiles_ + wanted - 1) / wanted;
  pass_ = {prompts, (tiles_ + tiles_per_chunk_ - 1) / tiles_per_chunk_, 8 * max_tokens_, 8 * static_cast<int>(final_tokens_.size())};
  masks_ = masks_of(engine_.folded.has_granularity, shape_.multimask);
  low_ = idx(16 * tokens);

  lay_out(nullptr, nullptr, nullptr);
  memory_ = DeviceArray<char>(engine_.pool, device_bytes_);
  host_in_ = PinnedArray<char>(in_bytes_);
  host_out_ = PinnedArray<char>(out_bytes_);
  std::memset(host_in_.data(), 0, in_bytes_);
  lay_out(memory_.data(), host_in_.data(), host_out_.data());
  // The heads use a few of each row's numbers, but rows are fetched whole.
  clear(host_call_->heads, final_tokens_.size() * idx(prompts) * kDim * sizeof(float), stream_.get());
  std::size_t scratch = 0;
  for (const Pass pass : {Pass::attend0, Pass::attend1, Pass::attend_final}) {
    scratch = std::max(scratch, pass_scratch_floats(pass, pass_.columns, pass_.final_columns));
  }
  if (scratch > 0) scratch_ = DeviceArray<float>(engine_.pool, scratch * idx(pass_.chunks) * idx(prompts));
}

// Three runs of memory on the device: what comes in (a copy of host_in), what goes out (of host_out), what stays. All arrays in
// the order in which they lie.
void Plan::lay_out(char* memory, char* host_in, char* host_out) {
  const std::size_t prompts = shape_.prompts.size(), rows = idx(rows_), element = element_bytes(engine_.bf16);
  const std::size_t final_count = final_tokens_.size(), padded = idx(tiles_ * kTile), chunks = idx(pass_.chunks);

  Placer in{memory}, staged{host_in};
  const auto incoming = [&]<typename T>(std::size_t n, T*& host) {
    host = staged.take<T>(n);
    return in.take<T>(n);
  };
  in_ = memory;
  call_ = incoming(1, host_call_);
  const TokenRow* token_rows = incoming(rows, host_rows_);
  std::vector<float*> masks(prompts, nullptr);
  host_masks_.assign(prompts, nullptr);
  for (std::size_t p = 0; p < prompts; ++p) {
    if (shape_.prompts[p] < 0) masks[p] = incoming(low_, host_masks_[p]);
  }
  in_bytes_ = in.size;

  out_ = memory == nullptr ? nullptr : memory + in_bytes_;
  Placer out{out_}, fetched{host_out};
  const auto outgoing = [&]<typename T>(std::size_t n, T*& host) {
    host = fetched.take<T>(n);
    return out.take<T>(n);
  };
  float* logits = outgoing(prompts * idx(masks_) * low_, host_logits_);
  float* heads = outgoing(final_count * prompts * kDim, host_heads_);
  int* best = outgoing(prompts, host_best_);
  out_bytes_ = out.size;

  Placer at{out_ == nullptr ? nullptr : out_ + out_bytes_};
  for (float** p : {&position_, &queries_, &pre_, &q_, &k_, &v_, &mixed_}) *p = at.take<float>(rows * kDim);
  hidden_ = at.take<float>(rows * kMlp);
  float* query = at.take<float>(rows * kInner);
  float* key = at.take<float>(rows * kInner);
  float* value1 = at.take<float>(rows * kInner);
  float* value2 = at.take<float>(rows * kInner);
  attention_ = at.take<float>(std::max(rows, final_count * prompts) * kInner);
  head_a_ = at.take<float>(final_count * prompts * kDim);
  head_b_ = at.take<float>(final_count * prompts * kDim);
  head_c_ = at.take<float>(final_count * prompts * kDim);

  Call measured;
  Call& call = memory == nullptr ? measured : *host_call_;
  set_numbers(call);
  call.token_rows = token_rows;
  call.position = position_;
  call.query = query;
  call.key = key;
  call.value1 = value1;
  call.value2 = value2;
  call.attention = attention_;
  call.heads = heads;
  call.logits = logits;
  call.best = best;
  int first_row = 0;
  for (std::size_t p = 0; p < prompts; ++p) {
    const std::size_t t = idx(std::abs(shape_.prompts[p]));
    PromptView& w = call.prompt[p];
    w = {};
    w.tokens = static_cast<int>(t);
    w.columns = static_cast<int>(8 * t);
    w.first_row = first_row;
    first_row += w.tokens;
    if (masks[p] != nullptr || shape_.prompts[p] < 0) {
      w.mask_logits = masks[p];
      w.mask_features = at.take<float>(padded * kMaskChannels);
      w.own_products = reinterpret_cast<float*>(at.bytes(padded * kProductRows * element));
      w.own_norms = at.take<float>(3 * padded);
    }
    place_prompt(w, t, final_count, {padded, chunks, element}, at);
  }
  device_bytes_ = in_bytes_ + out_bytes_ + at.size;
}

void Plan::set_numbers(Call& call) const {
  call.constants = engine_.constants.view;
  call.prompts = static_cast<int>(shape_.prompts.size());
  call.rows = rows_;
  call.chunks = pass_.chunks;
  call.tiles_per_chunk = tiles_per_chunk_;
  call.final_count = static_cast<int>(final_tokens_.size());
  for (std::size_t i = 0; i < final_tokens_.size(); ++i) call.final_tokens[i] = static_cast<int>(final_tokens_[i]);
  call.masks = masks_;
  for (int m = 0; m < masks_; ++m) call.mask_slots[m] = 2 + m;
  if (!engine_.folded.has_granularity && !shape_.multimask) call.mask_slots[1] = -1;
}

void Plan::fill(const PreparedImage& image, std::span<const Prompt> prompts) {
  Call& call = *host_call_;
  call.image = image.view;
  const float network_side = static_cast<float>(16 * shape_.side);
  TokenRow* row = host_rows_;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const Prompt& prompt = prompts[p];
    PromptView& w = call.prompt[p];
    if (w.mask_logits == nullptr) {
      w.products = image.view.products;
      w.norms = image.view.norms;
    } else {
      w.products = w.own_products;
      w.norms = w.own_norms;
      std::copy(prompt.mask_logits.begin(), prompt.mask_logits.end(), host_masks_[p]);
    }
    for (std::size_t i = 0; i < engine_.folded.output_token_count; ++i) *row++ = {kOutputToken, static_cast<int>(i), 0.0f, 0.0f};
    for (std::size_t i = 0; i < prompt.labels.size(); ++i) {
      *row++ = {prompt.labels[i] < 0 ? kIgnoredPoint : kPoint, prompt.labels[i], (prompt.coords[2 * i] + 0.5f) / network_side,
                (prompt.coords[2 * i + 1] + 0.5f) / network_side};
    }
    if (prompt.granularity.has_value()) *row++ = {kGranularity, 0, *prompt.granularity, 0.0f};
  }
}

void Plan::enqueue_transfers_in() { copy_to_device(in_, host_in_.data(), in_bytes_, stream_.get()); }
void Plan::enqueue_transfers_out() { copy_to_host(host_out_.data(), out_, out_bytes_, stream_.get()); }

void Plan::enqueue_kernels() {
  const cudaStream_t stream = stream_.get();
  const Constants& constants = engine_.constants;
  const Call& view = *host_call_;  // for its pointers, which never change
  const bool bf16 = engine_.bf16;
  const int prompts = pass_.prompts, rows = rows_;
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
  if (shape_.masked()) embed_masks(bf16, call_, prompts, tiles_ * kTile, stream);

  // Layer 0: self-attention without position term and residual.
  run({{first.self_q, position_, dim, q_, dim, rows}, {first.self_k, position_, dim, k_, dim, rows},
       {first.self_v, position_, dim, v_, dim, rows}});
  self_attention(q_, k_, v_, mixed_, prompts, max_tokens_, call_, stream);
  run({{first.self_out, mixed_, dim, pre_, dim, rows}});
  run_normalised(first.norm1, queries_, {job(first.to_image_q, view.query, inner, true)});
  image_pass(Pass::attend0, bf16, call_, pass_, scratch_.data(), stream);
  merge0(call_, prompts, pass_.columns, stream);
  after_image_attention(first);

  // Norm3 of layer 0, its image->token keys and values, and layer 1's self-attention.
  run_normalised(first.norm3, queries_,
                 {job(first.from_image_k, view.key, inner, true), job(first.from_image_v, view.value1, inner, false),
                  job(second.self_q, q_, dim, true), job(second.self_k, k_, dim, true), job(second.self_v, v_, dim, false)});
  self_attention(q_, k_, v_, mixed_, prompts, max_tokens_, call_, stream);
  run({{second.self_out, mixed_, dim, pre_, dim, rows, false, false, queries_}});
  run_normalised(second.norm1, queries_, {job(second.to_image_q, view.query, inner, true)});
  layer0_matrices(bf16, call_, prompts, max_tokens_, stream);
  image_pass(Pass::attend1, bf16, call_, pass_, scratch_.data(), stream);
  merge1(call_, prompts, pass_.columns, stream);
  after_image_attention(second);

  run_normalised(second.norm3, queries_,
                 {job(second.from_image_k, view.key, inner, true), job(second.from_image_v, view.value2, inner, false),
                  job(constants.final_q, view.query, inner, true)});
  layer1_matrices(bf16, call_, prompts, max_tokens_, stream);
  image_pass(Pass::attend_final, bf16, call_, pass_, scratch_.data(), stream);
  merge_final(call_, prompts, pass_.columns, static_cast<int>(final_tokens_.size()), stream);
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

void Plan::read(std::span<DecodedMasks> results) {
  const std::size_t prompts = shape_.prompts.size();
  const bool granularity = engine_.folded.has_granularity;
  for (std::size_t p = 0; p < prompts; ++p) {
    const float* iou_logits = host_heads_ + (prompts + p) * kDim;
    float iou[kMaskTokens];
    for (std::size_t i = 0; i < kMaskTokens; ++i) iou[i] = 1.0f / (1.0f + std::exp(-iou_logits[i]));
    std::vector<std::int32_t> computed = masks_needed(granularity, shape_.multimask, iou);
    if (!granularity && !shape_.multimask) computed[1] = host_best_[p];  // the device's choice is what it computed
    const float* logits = host_logits_ + p * idx(masks_) * low_;
    results[p] = choose(granularity, shape_.multimask, iou, host_heads_[p * kDim],
                        std::vector<float>(logits, logits + computed.size() * low_), computed);
  }
}

void Plan::run(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results) {
  fill(image, prompts);
  const auto all = [&] {
    enqueue_transfers_in();
    enqueue_kernels();
    enqueue_transfers_out();
  };
  if (engine_.graphs && uses_ == 1) graph_ = Graph(stream_, all);  // recording pays from the second time on
  ++uses_;
  if (graph_) {
    graph_.launch(stream_.get());
  } else {
    all();
  }
  stream_.synchronize();
  read(results);
}

float Plan::time_replay(int replays, bool transfers) {
  const Graph graph(stream_, [&] {
    if (transfers) enqueue_transfers_in();
    enqueue_kernels();
    if (transfers) enqueue_transfers_out();
  });
  for (int i = 0; i < std::min(replays - 1, 3); ++i) graph.launch(stream_.get());
  const Event begin, end;
  begin.record(stream_.get());
  for (int i = 0; i < replays; ++i) graph.launch(stream_.get());
  end.record(stream_.get());
  end.synchronize();
  return end.since(begin) / static_cast<float>(replays);
}

}  // namespace unsam::cuda
