#include "encoder/plan.h"

#include <string>

namespace unsam::encoder {
namespace {

// Far above every published model; below what any arithmetic on sizes could overflow.
constexpr std::size_t kMostChannels = 65536, kMostBlocks = 4096, kLargestImage = 4096;

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorCode::bad_option, "The encoder's plan makes no sense: " + why + ".");
}

void require(bool good, const std::string& why) {
  if (!good) fail(why);
}

bool is_count(std::size_t n) { return n >= 1 && n <= kMostChannels; }

}  // namespace

Shape::Shape(const EncoderPlan& given) : plan(given), side(given.image_size / 4) {
  const std::string size = "image_size is " + std::to_string(plan.image_size);
  require(plan.image_size >= 32 && plan.image_size <= kLargestImage && plan.image_size % 32 == 0,
          size + ", not a multiple of 32 up to 4096");
  require(is_count(plan.embed_dim), "embed_dim is " + std::to_string(plan.embed_dim));
  require(is_count(plan.neck_width) && plan.neck_width % 16 == 0,
          "the neck's width is " + std::to_string(plan.neck_width) + ", not a multiple of 16");
  require(plan.norm_eps > 0 && plan.norm_eps < 1, "norm_eps is " + std::to_string(plan.norm_eps));
  for (int axis : {0, 1}) {
    const std::size_t kernel = plan.patch_kernel[axis], padding = plan.patch_padding[axis];
    require(kernel >= 1 && kernel <= 64 && padding <= 64 && plan.image_size + 2 * padding >= kernel &&
                (plan.image_size + 2 * padding - kernel) / 4 + 1 == side,
            "a patch kernel of " + std::to_string(kernel) + " with padding " + std::to_string(padding) +
                " does not give image_size / 4 tokens");
  }
  require(!plan.blocks.empty() && plan.blocks.size() <= kMostBlocks, "it has " + std::to_string(plan.blocks.size()) + " blocks");
  std::size_t width = plan.embed_dim, map = side, stage = 0;
  for (std::size_t i = 0; i < plan.blocks.size(); ++i) {
    const EncoderBlock& b = plan.blocks[i];
    const std::string name = "block " + std::to_string(i);
    require(is_count(b.width) && is_count(b.heads) && b.width % b.heads == 0 && is_count(b.hidden),
            name + " has " + std::to_string(b.width) + " channels, " + std::to_string(b.heads) + " heads and a hidden width of " +
                std::to_string(b.hidden));
    require(b.pools || b.width == width, name + " changes its width without pooling");
    require(b.window <= kLargestImage, name + " has windows of " + std::to_string(b.window));
    require(!b.pools || (i > 0 && stage < 3), name + " pools, which three of them do, and not the first");
    if (b.pools && b.window > 0) {
      const std::size_t half = b.window / 2, across = (map + b.window - 1) / b.window;
      require(half > 0 && (map / 2 + half - 1) / half == across,
              name + " has windows of " + std::to_string(b.window) + " on " + std::to_string(map) + " tokens, which cannot be halved");
    }
    if (b.pools) {
      blocks.back().level = static_cast<int>(stage);
      level_side[stage] = map;
      level_width[stage] = width;
      ++stage;
    }
    blocks.push_back({i, width, b.width, b.heads, b.width / b.heads, b.hidden, b.window, b.pools, map,
                      b.pools ? map / 2 : map, b.width != width, -1});
    width = b.width;
    map = blocks.back().side_out;
  }
  require(stage == 3, std::to_string(stage) + " of its blocks pool, not 3");
  blocks.back().level = 3;
  level_side[3] = map;
  level_width[3] = width;
  const std::size_t channels[3] = {plan.neck_width, plan.neck_width / 8, plan.neck_width / 4}, bases[3] = {2, 0, 1};
  for (std::size_t o = 0; o < 3; ++o) {
    std::size_t last = bases[o];
    while (last < 3 && plan.top_down[last]) ++last;
    outputs[o] = {channels[o], bases[o], last - bases[o] + 1};
  }
}

}  // namespace unsam::encoder
