#include "decoder/cuda/plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "decoder/cuda/choice.h"
#include "decoder/prompt_tokens.h"
#include "decoder/select.h"

namespace unsam::cuda {
namespace {

std::size_t idx(int i) { return static_cast<std::size_t>(i); }

int masks_of(bool granularity, bool multimask) { return granularity ? 1 : multimask ? 3 : 2; }

}  // namespace

Plan::Plan(const Engine& engine, const Capacity& capacity)
    : engine_(engine), capacity_(capacity), final_tokens_(tokens_read(engine.folded.has_granularity, capacity.multimask)) {
  const int prompts = capacity_.prompts, tokens = capacity_.side * capacity_.side;
  tiles_ = (tokens + kTile - 1) / kTile;
  // Enough blocks to fill the device a few times over, each with as many tiles as possible: partial results are few then.
  const int wanted = std::clamp((4 * engine_.multiprocessors + prompts - 1) / prompts, 1, tiles_);
  tiles_per_chunk_ = (tiles_ + wanted - 1) / wanted;
  pass_ = {prompts, (tiles_ + tiles_per_chunk_ - 1) / tiles_per_chunk_, 8 * capacity_.tokens, 8 * static_cast<int>(final_tokens_.size())};
  masks_ = masks_of(engine_.folded.has_granularity, capacity_.multimask);
  low_ = idx(16 * tokens);
  sizes_ = {idx(tiles_ * kTile), idx(pass_.chunks), element_bytes(engine_.bf16), final_tokens_.size()};
  workspace_bytes_ = workspace_bytes(capacity_, sizes_);

  lay_out(nullptr, nullptr, nullptr);
  memory_ = DeviceArray<char>(engine_.pool, device_bytes_);
  host_in_ = PinnedArray<char>(in_bytes_);
  host_out_ = PinnedArray<char>(out_bytes_);
  std::memset(host_in_.data(), 0, in_bytes_);
  lay_out(memory_.data(), host_in_.data(), host_out_.data());
  // What is fetched whole, of which the heads use a few numbers of each row, and what only the rows of prompts are written of.
  clear(out_, out_bytes_, stream_.get());
  clear(mixed_, idx(capacity_.rows) * kDim * sizeof(float), stream_.get());
  clear(attention_, std::max(idx(capacity_.rows), final_tokens_.size() * idx(prompts)) * kInner * sizeof(float), stream_.get());
  std::size_t scratch = 0;
  for (const Pass pass : {Pass::attend0, Pass::attend1, Pass::attend_final}) {
    scratch = std::max(scratch, pass_scratch_floats(pass, pass_.columns, pass_.final_columns));
  }
  if (scratch > 0) scratch_ = DeviceArray<float>(engine_.pool, scratch * idx(pass_.chunks) * idx(prompts));
}

// Four runs of memory on the device: what comes in (a copy of host_in), what goes out (of host_out), what stays, and the
// workspace. All arrays in the order in which they lie.
void Plan::lay_out(char* memory, char* host_in, char* host_out) {
  const std::size_t prompts = idx(capacity_.prompts), rows = idx(capacity_.rows), final_count = final_tokens_.size();

  Placer in{memory}, staged{host_in};
  const auto incoming = [&]<typename T>(std::size_t n, T*& host) {
    host = staged.take<T>(n);
    return in.take<T>(n);
  };
  in_ = memory;
  call_ = incoming(1, host_call_);
  const TokenRow* token_rows = incoming(rows, host_rows_);
  masks_in_ = incoming(idx(capacity_.masks) * low_, host_masks_);
  in_bytes_ = in.size;

  out_ = memory == nullptr ? nullptr : memory + in_bytes_;
  Placer out{out_}, fetched{host_out};
  const auto outgoing = [&]<typename T>(std::size_t n, T*& host) {
    host = fetched.take<T>(n);
    return out.take<T>(n);
  };
  float* heads = outgoing(final_count * prompts * kDim, host_heads_);
  int* best = outgoing(prompts, host_best_);
  int* chosen = outgoing(prompts, host_chosen_);
  out_bytes_ = out.size;

  Placer at{out_ == nullptr ? nullptr : out_ + out_bytes_};
  for (float** p : {&position_, &queries_, &pre_, &q_, &k_, &v_, &mixed_}) *p = at.take<float>(rows * kDim);
  hidden_ = at.take<float>(rows * kMlp);
  float* query = at.take<float>(rows * kInner);
  float* key = at.take<float>(rows * kInner);
  float* value1 = at.take<float>(rows * kInner);
  float* value2 = at.take<float>(rows * kInner);
  SplitPair* split[4];
  for (SplitPair*& pairs : split) pairs = at.take<SplitPair>(rows * kInner / 2);
  attention_ = at.take<float>(std::max(rows, final_count * prompts) * kInner);
  head_a_ = at.take<float>(final_count * prompts * kDim);
  head_b_ = at.take<float>(final_count * prompts * kDim);
  head_c_ = at.take<float>(final_count * prompts * kDim);
  workspace_ = at.bytes(workspace_bytes_);
  device_bytes_ = in_bytes_ + out_bytes_ + at.size;
  if (memory == nullptr) return;

  Call& call = *host_call_;
  set_numbers(call);
  call.token_rows = token_rows;
  call.position = position_;
  call.query = query;
  call.key = key;
  call.value1 = value1;
  call.value2 = value2;
  call.split_query = split[0];
  call.split_key = split[1];
  call.split_value1 = split[2];
  call.split_value2 = split[3];
  call.attention = attention_;
  call.heads = heads;
  call.best = best;
  call.chosen = chosen;
}

void Plan::set_numbers(Call& call) const {
  call.constants = engine_.constants.view;
  call.prompts = capacity_.prompts;
  call.chunks = pass_.chunks;
  call.tiles_per_chunk = tiles_per_chunk_;
  call.final_count = static_cast<int>(final_tokens_.size());
  for (std::size_t i = 0; i < final_tokens_.size(); ++i) call.final_tokens[i] = static_cast<int>(final_tokens_[i]);
  call.masks = masks_;
  for (int m = 0; m < masks_; ++m) call.mask_slots[m] = 2 + m;
  if (one_of_two()) call.mask_slots[1] = -1;
}

void Plan::fill(const PreparedImage& image, std::span<const Prompt> prompts, float* logits) {
  Call& call = *host_call_;
  call.image = image.view;
  call.logits = logits;
  call.rows = 0;
  prompts_ = prompts.size();
  Placer at{workspace_};
  std::size_t masks = 0;
  for (std::size_t p = 0; p < idx(capacity_.prompts); ++p) {
    PromptView& w = call.prompt[p];
    w = {};
    if (p >= prompts.size()) continue;
    const Prompt& prompt = prompts[p];
    w.tokens = static_cast<int>(token_count(engine_.folded, prompt));
    w.columns = 8 * w.tokens;
    w.first_row = call.rows;
    call.rows += w.tokens;
    place_prompt(w, idx(w.tokens), sizes_, at);
    if (prompt.mask_logits.empty()) {
      w.products = image.view.products;
      w.norms = image.view.norms;
      continue;
    }
    place_mask(w, sizes_, at);
    w.products = w.own_products;
    w.norms = w.own_norms;
    w.mask_logits = masks_in_ + masks * low_;
    std::copy(prompt.mask_logits.begin(), prompt.mask_logits.end(), host_masks_ + masks * low_);
    ++masks;
  }
  if (at.size > workspace_bytes_) {
    throw Error(ErrorCode::device, "The prompts take " + std::to_string(at.size) + " bytes of a workspace of " +
                                       std::to_string(workspace_bytes_) + ": a mistake in this library, please report it.");
  }
  fill_rows(prompts);
}

void Plan::fill_rows(std::span<const Prompt> prompts) {
  const float network_side = static_cast<float>(16 * capacity_.side);
  TokenRow* row = host_rows_;
  for (const Prompt& prompt : prompts) {
    for (std::size_t i = 0; i < engine_.folded.output_token_count; ++i) *row++ = {kOutputToken, static_cast<int>(i), 0.0f, 0.0f};
    for (std::size_t i = 0; i < prompt.labels.size(); ++i) {
      *row++ = {prompt.labels[i] < 0 ? kIgnoredPoint : kPoint, prompt.labels[i], (prompt.coords[2 * i] + 0.5f) / network_side,
                (prompt.coords[2 * i + 1] + 0.5f) / network_side};
    }
    if (prompt.granularity.has_value()) *row++ = {kGranularity, 0, *prompt.granularity, 0.0f};
  }
  std::fill(row, host_rows_ + capacity_.rows, TokenRow{kNoToken, 0, 0.0f, 0.0f});
}

void Plan::enqueue_transfers_in() { copy_to_device(in_, host_in_.data(), in_bytes_, stream_.get()); }
void Plan::enqueue_transfers_out() { copy_to_host(host_out_.data(), out_, out_bytes_, stream_.get()); }

// From prompts to logits and scores; the scores come back.
void Plan::replay() {
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
}

bool Plan::one_of_two() const { return !engine_.folded.has_granularity && !capacity_.multimask; }

void Plan::reserve(bool to_host) {
  const std::size_t n = idx(capacity_.prompts * masks_) * low_;
  if ((to_host || one_of_two()) && logits_.size() == 0) logits_ = DeviceArray<float>(engine_.pool, n);
  if (to_host && host_logits_.size() == 0) host_logits_ = PinnedArray<float>(n);
}

void Plan::fetch_logits(std::size_t prompts) {
  copy_to_host(host_logits_.data(), logits_.data(), prompts * idx(masks_) * low_ * sizeof(float), stream_.get());
}

Plan::Scores Plan::scores(std::size_t prompt) const {
  Scores result;
  const float* iou_logits = host_heads_ + (idx(capacity_.prompts) + prompt) * kDim;
  for (std::size_t i = 0; i < kMaskTokens; ++i) result.iou[i] = 1.0f / (1.0f + std::exp(-iou_logits[i]));
  result.object = host_heads_[prompt * kDim];
  return result;
}

// The masks whose logits the device computed.
std::vector<std::int32_t> Plan::computed(std::size_t prompt, const Scores& scores) const {
  std::vector<std::int32_t> masks = masks_needed(engine_.folded.has_granularity, capacity_.multimask, scores.iou);
  if (one_of_two()) masks[1] = host_best_[prompt];  // the device's choice is what it computed
  return masks;
}

void Plan::run(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results) {
  fill(image, prompts, logits_.data());
  replay();
  fetch_logits(prompts.size());
  stream_.synchronize();
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const Scores found = scores(p);
    const std::vector<std::int32_t> masks = computed(p, found);
    const float* logits = host_logits_.data() + p * idx(masks_) * low_;
    results[p] = choose(engine_.folded.has_granularity, capacity_.multimask, found.iou, found.object,
                        std::vector<float>(logits, logits + masks.size() * low_), masks);
  }
}

void Plan::run_there(const PreparedImage& image, std::span<const Prompt> prompts, std::span<DecodedMasks> results, float* logits) {
  fill(image, prompts, one_of_two() ? logits_.data() : logits);
  replay();
  if (one_of_two()) {
    choose_masks(call_, static_cast<int>(prompts.size()), static_cast<int>(low_), logits, stream_.get());
    copy_to_host(host_chosen_, host_call_->chosen, prompts.size() * sizeof(int), stream_.get());
  }
  stream_.synchronize();
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const Scores found = scores(p);
    std::vector<std::int32_t> masks = computed(p, found);
    if (one_of_two()) masks = {host_chosen_[p] == 0 ? 0 : masks[1]};
    results[p] = describe(engine_.folded.has_granularity, capacity_.multimask, found.iou, found.object, masks);
  }
}

float Plan::time_replay(int replays, bool transfers) {
  const Graph graph(stream_, [&] {
    if (transfers) enqueue_transfers_in();
    enqueue_kernels();
    if (!transfers) return;
    enqueue_transfers_out();
    fetch_logits(prompts_);
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
