// Runs one operation on a file of arrays, for the tests that compare with the TypeScript twins
// (packages/core/test/native-twin). Usage: fusion_twin fuse|finish|patches|tree IN OUT. Both files are sections: a
// 32-bit length in bytes, then the bytes, little-endian. The first section is a list of 32-bit sizes.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "parallel/crew_for.h"
#include "unsam/hierarchy.h"
#include "unsam/patch_merge.h"
#include "unsam/region_tree.h"

namespace {

using namespace unsam;

class Reader {
 public:
  explicit Reader(const char* path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  template <typename T>
  std::vector<T> next() {
    std::uint32_t length = 0;
    if (bytes_.size() - at_ < sizeof length) throw std::runtime_error("a section is missing");
    std::memcpy(&length, bytes_.data() + at_, sizeof length);
    at_ += sizeof length;
    if (bytes_.size() - at_ < length || length % sizeof(T) != 0) throw std::runtime_error("a section is cut off");
    std::vector<T> values(length / sizeof(T));
    if (length > 0) std::memcpy(values.data(), bytes_.data() + at_, length);
    at_ += length;
    return values;
  }

 private:
  std::vector<char> bytes_;
  std::size_t at_ = 0;
};

class Writer {
 public:
  explicit Writer(const char* path) : file_(path, std::ios::binary) {}
  template <typename T>
  void add(const std::vector<T>& values) {
    const auto length = static_cast<std::uint32_t>(values.size() * sizeof(T));
    file_.write(reinterpret_cast<const char*>(&length), sizeof length);
    file_.write(reinterpret_cast<const char*>(values.data()), length);
  }

 private:
  std::ofstream file_;
};

void run(const std::string& what, Reader in, Writer out) {
  Crew crew(2);
  const ParallelFor parallel = crew_for(crew);
  const auto sizes = in.next<std::uint32_t>();
  if (what == "fuse") {
    const auto logits = in.next<float>();
    const auto scores = in.next<double>(), granularities = in.next<double>(), options = in.next<double>();
    const FusedScene s = fuse_logits({sizes.at(0), sizes.at(1), sizes.at(2), logits}, scores, granularities,
                                     {{}, options.at(0), options.at(1), options.at(2)}, parallel);
    const FusedMap map = fuse_labels(s.finest, s.forest, sizes[2], sizes[1], parallel);
    out.add(s.kept);
    out.add(s.statistics.masks.words);
    out.add(s.statistics.areas);
    out.add(s.statistics.boxes);
    out.add(s.statistics.stability);
    out.add(s.forest.parent);
    out.add(s.forest.level);
    out.add(s.forest.order);
    out.add(s.finest);
    out.add(map.right);
    out.add(map.below);
  } else if (what == "finish") {
    const auto logits = in.next<float>();
    const auto thresholds = in.next<double>();
    const FinishedMasks f = finish_masks({sizes.at(0), sizes.at(1), sizes.at(2), logits}, sizes.at(3), sizes.at(4),
                                         {{thresholds.at(0), thresholds.at(1)}, true, true}, parallel);
    out.add(f.statistics.masks.words);
    out.add(f.statistics.areas);
    out.add(f.statistics.stability);
    for (const RunLengths& counts : f.run_lengths) {
      const std::string text = encode_counts(counts);
      out.add(std::vector<char>(text.begin(), text.end()));
    }
  } else if (what == "patches") {
    const auto data = in.next<float>();
    const PatchMerges merges = merge_patches(data, sizes.at(0), sizes.at(1), sizes.at(2), parallel);
    out.add(merges.children);
    out.add(merges.similarity);
  } else if (what == "tree") {
    const auto rgb = in.next<std::uint8_t>();
    const RegionHierarchy h = build_region_hierarchy(rgb, sizes.at(0), sizes.at(1), parallel);
    out.add(h.superpixels.labels);
    out.add(h.superpixels.markers);
    out.add(h.graph.first);
    out.add(h.graph.second);
    out.add(h.graph.border);
    out.add(h.graph.strength);
    out.add(h.merges.children);
    out.add(h.merges.heights);
  } else {
    throw std::runtime_error("unknown operation " + what);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: fusion_twin fuse|finish|patches|tree IN OUT\n", stderr);
    return 2;
  }
  try {
    run(argv[1], Reader(argv[2]), Writer(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
