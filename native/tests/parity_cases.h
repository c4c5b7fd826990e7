// The stored cases of the official PyTorch code, from the stored features, through a decoder.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "unsam/decoder.h"

namespace parity {

struct Limits {
  double logits, scores, iou;
};

// Of each `every` cases the one at `first`.
struct Choice {
  std::size_t every = 1, first = 0;
};

// Prepares one image and hands back what decodes prompts on it.
using DecodeImage = std::function<std::vector<unsam::DecodedMasks>(std::span<const unsam::Prompt> prompts, bool multimask)>;
using PrepareImage = std::function<DecodeImage(const unsam::ImageFeatures& features)>;
using MakeDecoder = std::function<PrepareImage(const unsam::DecoderWeights& weights)>;

// Runs every case of a folder that has its features stored, and checks logits (relative L2), scores and mask IoU.
// other_choices: where stability is close to its threshold, plain SAM 2 may take another mask.
void run_cases(const char* name, const std::filesystem::path& checkpoint, const std::filesystem::path& folder,
               const MakeDecoder& make_decoder, bool other_choices, Limits limits, Choice choice = {});

}  // namespace parity
