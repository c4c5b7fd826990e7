#include "exports.h"

#include <array>

#include "unsam/region_tree.h"

namespace unsam::addon {
namespace {

struct Export {
  const char* name;
  Napi::Value (*function)(const Napi::CallbackInfo&);
};

constexpr std::array kExports{
    Export{"finishMasks", finish_masks},
    Export{"maskStatistics", mask_statistics},
    Export{"encodeRLE", encode_rle},
    Export{"decodeRLE", decode_rle},
    Export{"encodeCounts", encode_counts},
    Export{"decodeCounts", decode_counts},
    Export{"findComponents", find_components},
    Export{"removeSmallRegions", remove_small_regions},
    Export{"pairwiseOverlaps", pairwise_overlaps},
    Export{"removeDuplicates", remove_duplicates},
    Export{"suppressBoxes", suppress_boxes},
    Export{"buildForest", build_forest},
    Export{"finestLabels", finest_labels},
    Export{"labelMapAt", label_map_at},
    Export{"fuseLabels", fuse_labels},
    Export{"fuseLogits", fuse_logits},
    Export{"mergePatches", merge_patches},
    Export{"buildRegionHierarchy", build_region_hierarchy},
};

}  // namespace

void export_fusion(Napi::Env env, Napi::Object exports) {
  for (const auto& [name, function] : kExports) exports.Set(name, Napi::Function::New(env, function, name));
  exports.Set("regionTreeRecipe", Napi::Number::New(env, kRegionTreeRecipe));
}

}  // namespace unsam::addon
