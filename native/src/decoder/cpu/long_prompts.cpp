#include "decoder/cpu/long_prompts.h"

#include <algorithm>

#include "decoder/cpu/blocks_pass.h"

namespace unsam {
namespace {

// One block for one prompt.
template <class Math>
class LongPass : public BlocksPass<Math> {
  using Base = BlocksPass<Math>;

 public:
  LongPass(const ImagePasses& passes, PromptWork& work, std::size_t block, PassScratch& scratch)
      : Base(passes, work, block, 1, scratch), at_(block * kInner * kLanes) {
    scratch.ahead = {};
  }

  // Layer 0's keys and values as float32 with the mask prompt's share.
  void write_memory0() const {
    std::copy_n(this->exact(kKey0).at(0, 0), kSize, this->work_.image_keys.data() + at_);
    float* values = this->work_.image_values.data() + at_;
    const float* from = this->math_.plain_floats(kInner, this->products(kValue0, kInner).at(0, 0), values);
    if (from != values) std::copy_n(from, kSize, values);
  }

  // From the mixtures in image_values: layer 0's norm, and layer 1's keys, values and queries.
  void write_memory1() const {
    const RowsView<Element> p = this->products(kNorm1, 4 * kInner);  // norm1, key1, value1, query1
    PromptWork& work = this->work_;
    float* linear = this->scratch_.rows.data();
    float* a1 = this->math_.opened(this->attention(0));
    std::copy_n(work.image_values.data() + at_, kSize, a1);
    this->twice(p.at(0, 0), linear);
    this->first_norm(0, a1, linear);

    float* spare = linear;
    const TermMatrices& terms = *work.terms;
    float* keys = work.image_keys.data() + at_;
    project(terms.to_score1, this->math_.floats(kInner, p.at(0, kInner), spare), keys);
    add_position(kPositionKey1, keys, spare);
    project(terms.to_value1, this->math_.plain_floats(kInner, p.at(0, 2 * kInner), spare), work.image_values.data() + at_);
    float* queries = work.image_queries.data() + at_;
    project(terms.to_query1, this->math_.floats(kInner, p.at(0, 3 * kInner), spare), queries);
    add_position(kPositionQuery1, queries, spare);
    for (std::size_t row = 0; row < kInner; ++row) {
      const float shift = this->folded_.query1_shift[row];
      for (std::size_t lane = 0; lane < kLanes; ++lane) queries[row * kLanes + lane] += shift;
    }
  }

 private:
  using typename Base::Element;
  static constexpr std::size_t kSize = kInner * kLanes;

  // out = base / sigma1 + map times the first term.
  void project(const Operand& map, const float* base, float* out) const {
    this->math_.multiply(kInner, kInner, Math::of(map), kInner, this->attention(0), out, base, this->inverse1(0));
  }
  void add_position(PositionProduct set, float* rows, float* spare) const {
    this->kernels_.add(kSize, rows, this->math_.floats(kInner, this->positions(set).at(0, 0), spare));
  }

  const std::size_t at_;
};

template <class Pass>
void in_precision(const ImagePasses& passes, PromptWork& work, std::size_t block, PassScratch& scratch, Pass pass) {
  if (passes.bf16) {
    pass(LongPass<Bfloat16Math>(passes, work, block, scratch));
  } else {
    pass(LongPass<Float32Math>(passes, work, block, scratch));
  }
}

// Columns [0, width) of at most L rows, as lanes: [width][L].
void to_lanes(std::size_t rows, std::size_t width, const float* x, std::size_t ldx, float scale, float* out) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < width; ++c) out[c * kLanes + row] = scale * x[row * ldx + c];
  }
}

}  // namespace

std::size_t LongPrompts::token_blocks(const PromptWork& work) const { return (work.tokens + kLanes - 1) / kLanes; }

// task(prompt, its item) for all items of all prompts.
void LongPrompts::over(Items items_of, const Task& task) {
  std::vector<std::size_t> ends;
  std::size_t total = 0;
  for (const PromptWork* work : prompts_) ends.push_back(total += (this->*items_of)(*work));
  team_.run(total, [&](std::size_t item, std::size_t worker) {
    const auto p = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), item) - ends.begin());
    task(*prompts_[p], p == 0 ? item : item - ends[p - 1], scratch_[worker]);
  });
}

// Prompt tokens as keys and values, from rows of `width`.
void LongPrompts::store_tokens(std::size_t width, const float* keys, const float* values) {
  over(&LongPrompts::token_blocks, [&](PromptWork& work, std::size_t block, PassScratch&) {
    const std::size_t first = block * kLanes, rows = std::min(kLanes, work.tokens - first);
    const std::size_t from = (work.first_row + first) * width, to = first * width;
    to_lanes(rows, width, keys + from, width, 1.0f, work.token_keys.data() + to);
    to_lanes(rows, width, values + from, width, 1.0f, work.token_values.data() + to);
  });
}

// Head item % kHeads of block item / kHeads of the prompt's tokens asks: rows of queries and of the result are kHeads * d wide,
// and begin at the prompt's first token.
void LongPrompts::ask(const PromptWork& work, std::size_t item, std::size_t d, float scale, const float* queries,
                      const Memory& memory, const float* shift, float* out) const {
  alignas(64) float q[kSelfHeadDim * kLanes] = {}, mixed[kSelfHeadDim * kLanes];
  const std::size_t head = item % kHeads, first = item / kHeads * kLanes, rows = std::min(kLanes, work.tokens - first);
  const std::size_t width = kHeads * d, at = first * width + head * d;
  to_lanes(rows, d, queries + at, width, scale, q);
  passes_.kernels.attend({d, rows, memory.count, q, memory.keys, memory.keys_block, memory.values, memory.values_block, mixed});
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t c = 0; c < d; ++c) {
      out[at + row * width + c] = mixed[c * kLanes + row] + (shift != nullptr ? shift[head * d + c] : 0.0f);
    }
  }
}

void LongPrompts::image_to_tokens(const PromptWork& work, std::size_t item, const float* queries, float* out) const {
  const std::size_t row = item % kHeads * kHeadDim * kLanes, block = kInner * kLanes;
  passes_.kernels.attend({kHeadDim, kLanes, work.tokens, queries, work.token_keys.data() + row, block,
                          work.token_values.data() + row, block, out});
}

void LongPrompts::self_attention(const float* q, const float* k, const float* v, float* mixed) {
  constexpr float scale = 0.17677669529663687f;  // 1 / sqrt(32)
  store_tokens(kDim, k, v);
  over(&LongPrompts::token_heads, [&](PromptWork& work, std::size_t item, PassScratch&) {
    const std::size_t row = item % kHeads * kSelfHeadDim * kLanes, block = kDim * kLanes, first = work.first_row * kDim;
    const Memory memory{work.token_keys.data() + row, block, work.token_values.data() + row, block, work.tokens};
    ask(work, item, kSelfHeadDim, scale, q + first, memory, nullptr, mixed + first);
  });
}

void LongPrompts::attend0(float* attention) {
  const PreparedImage& image = passes_.image;
  const auto own_memory = [&](const PromptWork& work) { return passes_.bf16 || !work.prompt->mask_logits.empty(); };
  over(&LongPrompts::image_blocks, [&](PromptWork& work, std::size_t block, PassScratch& scratch) {
    if (own_memory(work)) in_precision(passes_, work, block, scratch, [](const auto& pass) { pass.write_memory0(); });
  });
  over(&LongPrompts::token_heads, [&](PromptWork& work, std::size_t item, PassScratch&) {
    const std::size_t row = item % kHeads * kHeadDim * kLanes, first = work.first_row * kInner;
    constexpr std::size_t own = kInner * kLanes, shared = kProductRows * kLanes;
    const float* products = image.products.f32.data() + row;
    const Memory memory = own_memory(work) ? Memory{work.image_keys.data() + row, own, work.image_values.data() + row, own, image.tokens}
                                           : Memory{products + kKey0 * kLanes, shared, products + kValue0 * kLanes, shared, image.tokens};
    ask(work, item, kHeadDim, 1.0f, work.query, memory, passes_.folded.value0_shift.data(), attention + first);
  });
}

void LongPrompts::attend1(const float* keys, const float* values, float* attention) {
  const PreparedImage& image = passes_.image;
  store_tokens(kInner, keys, values);
  over(&LongPrompts::image_heads, [&](PromptWork& work, std::size_t item, PassScratch&) {
    const std::size_t block = item / kHeads, row = item % kHeads * kHeadDim;
    const std::size_t first = passes_.bf16 ? exact_row(kQuery0) : kQuery0, rows = passes_.bf16 ? kExactRows : kProductRows;
    const float* queries = image.products.f32.data() + (block * rows + first + row) * kLanes;
    alignas(64) float masked[kHeadDim * kLanes];
    if (!work.prompt->mask_logits.empty()) {
      constexpr std::size_t depth = kMaskChannels + 1;
      passes_.kernels.gemm({.m = kHeadDim,
                            .k = depth,
                            .a = passes_.folded.mask_products.data() + (kQuery0 + row) * depth,
                            .lda = depth,
                            .b = work.mask_features.data() + block * depth * kLanes,
                            .c = masked,
                            .ldc = kLanes,
                            .c0 = queries,
                            .ld0 = kLanes});
      queries = masked;
    }
    image_to_tokens(work, item, queries, work.image_values.data() + (block * kInner + row) * kLanes);
  });
  over(&LongPrompts::image_blocks, [&](PromptWork& work, std::size_t block, PassScratch& scratch) {
    in_precision(passes_, work, block, scratch, [](const auto& pass) { pass.write_memory1(); });
  });
  over(&LongPrompts::token_heads, [&](PromptWork& work, std::size_t item, PassScratch&) {
    const std::size_t row = item % kHeads * kHeadDim * kLanes, block = kInner * kLanes, first = work.first_row * kInner;
    const Memory memory{work.image_keys.data() + row, block, work.image_values.data() + row, block, image.tokens};
    ask(work, item, kHeadDim, 1.0f, work.query, memory, passes_.folded.value1_shift.data(), attention + first);
  });
}

void LongPrompts::attend_final(const float* keys, const float* values) {
  store_tokens(kInner, keys, values);
  over(&LongPrompts::image_heads, [&](PromptWork& work, std::size_t item, PassScratch&) {
    const std::size_t at = item * kHeadDim * kLanes;
    image_to_tokens(work, item, work.image_queries.data() + at, work.image_values.data() + at);
  });
}

}  // namespace unsam
