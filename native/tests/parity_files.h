// Reads the parity fixtures: .npy, .safetensors (LoRA folded in), prompts.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "json.h"
#include "unsam/weights.h"

namespace parity {

struct Array {
  std::vector<std::size_t> shape;
  std::vector<float> data;
};

// Folder of the shared data: $UNSAM_SHARED, else `shared` beside the repository. Throws test::Skip when absent.
std::filesystem::path shared_folder();

Array read_npy(const std::filesystem::path& path);
json::Value read_json(const std::filesystem::path& path);

struct Weights {
  std::map<std::string, Array> arrays;
  unsam::TensorMap tensors() const;
};

// float32 tensors under their official names; pairs lora_A, lora_B added to their layer (W + 2 B A).
Weights read_weights(const std::filesystem::path& safetensors);

}  // namespace parity
