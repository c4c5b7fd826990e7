#include "parity_files.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "test.h"

namespace parity {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count(const std::vector<std::size_t>& shape) {
  std::size_t n = 1;
  for (const std::size_t d : shape) n *= d;
  return n;
}

}  // namespace

std::filesystem::path shared_folder() {
  const char* given = std::getenv("UNSAM_SHARED");
  const std::filesystem::path folder =
      given != nullptr ? given : std::filesystem::path(UNSAM_SOURCE_FOLDER) / ".." / ".." / "shared";
  if (!std::filesystem::exists(folder / "parity")) {
    throw test::Skip{"no parity data; set UNSAM_SHARED to the folder that holds parity/"};
  }
  return folder;
}

Array read_npy(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  if (file.size() < 10 || file.compare(0, 6, "\x93NUMPY") != 0) throw std::runtime_error("not an .npy: " + path.string());
  const std::size_t header =
      static_cast<unsigned char>(file[8]) + 256u * static_cast<unsigned char>(file[9]);
  const std::string text = file.substr(10, header);
  if (text.find("'<f4'") == std::string::npos) throw std::runtime_error("not float32: " + path.string());
  Array array;
  std::size_t at = text.find('(') + 1;
  while (text[at] != ')') {
    if (std::isdigit(static_cast<unsigned char>(text[at]))) {
      std::size_t used = 0;
      array.shape.push_back(std::stoul(text.substr(at), &used));
      at += used;
    } else {
      ++at;
    }
  }
  array.data.resize(count(array.shape));
  if (file.size() != 10 + header + array.data.size() * 4) throw std::runtime_error("wrong length: " + path.string());
  std::memcpy(array.data.data(), file.data() + 10 + header, array.data.size() * 4);
  return array;
}

json::Value read_json(const std::filesystem::path& path) { return json::parse(read_file(path)); }

Weights read_weights(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  const json::Value index = json::parse(std::string_view(file).substr(8, header));
  Weights weights;
  for (const auto& [name, entry] : index.object) {
    if (name == "__metadata__") continue;
    Array array;
    for (const json::Value& d : entry["shape"].array) array.shape.push_back(static_cast<std::size_t>(d.number));
    array.data.resize(count(array.shape));
    const char* bytes = file.data() + 8 + header + static_cast<std::size_t>(entry["data_offsets"][0].number);
    if (entry["dtype"].string == "F32") {
      std::memcpy(array.data.data(), bytes, array.data.size() * 4);
    } else if (entry["dtype"].string == "BF16") {
      for (std::size_t i = 0; i < array.data.size(); ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, bytes + 2 * i, 2);
        array.data[i] = std::bit_cast<float>(std::uint32_t{half} << 16);
      }
    } else {
      continue;  // integer buffers of modules that are not run
    }
    weights.arrays.emplace(name, std::move(array));
  }
  // LoRA (Hu et al. 2022): alpha = 2 r, so the factor alpha / r is 2.
  const std::string marker = ".original_layer.";
  std::map<std::string, Array> folded;
  for (auto& [name, array] : weights.arrays) {
    if (name.ends_with(".lora_A") || name.ends_with(".lora_B")) continue;
    const std::size_t at = name.find(marker);
    if (at == std::string::npos) {
      folded.emplace(name, std::move(array));
      continue;
    }
    const std::string layer = name.substr(0, at), part = name.substr(at + marker.size());
    if (part == "weight") {
      const Array& a = weights.arrays.at(layer + ".lora_A");
      const Array& b = weights.arrays.at(layer + ".lora_B");
      const std::size_t out = array.shape[0], in = array.shape[1], rank = a.shape[0];
      for (std::size_t o = 0; o < out; ++o) {
        for (std::size_t i = 0; i < in; ++i) {
          double sum = 0.0;
          for (std::size_t r = 0; r < rank; ++r) sum += double{b.data[o * rank + r]} * a.data[r * in + i];
          array.data[o * in + i] += static_cast<float>(2.0 * sum);
        }
      }
    }
    folded.emplace(layer + "." + part, std::move(array));
  }
  weights.arrays = std::move(folded);
  return weights;
}

unsam::TensorMap Weights::tensors() const {
  unsam::TensorMap map;
  for (const auto& [name, array] : arrays) map.emplace(name, unsam::TensorView{array.data, array.shape});
  return map;
}

}  // namespace parity
