// The functions of unsam/masks.h, hierarchy.h, patch_merge.h and region_tree.h, one family per file.
// packages/native-cuda/src/fusion-binding.ts is their contract.
#pragma once

#include <napi.h>

namespace unsam::addon {

Napi::Value finish_masks(const Napi::CallbackInfo& info);
Napi::Value mask_statistics(const Napi::CallbackInfo& info);
Napi::Value encode_rle(const Napi::CallbackInfo& info);
Napi::Value decode_rle(const Napi::CallbackInfo& info);
Napi::Value encode_counts(const Napi::CallbackInfo& info);
Napi::Value decode_counts(const Napi::CallbackInfo& info);
Napi::Value find_components(const Napi::CallbackInfo& info);
Napi::Value remove_small_regions(const Napi::CallbackInfo& info);
Napi::Value pairwise_overlaps(const Napi::CallbackInfo& info);
Napi::Value remove_duplicates(const Napi::CallbackInfo& info);
Napi::Value suppress_boxes(const Napi::CallbackInfo& info);
Napi::Value build_forest(const Napi::CallbackInfo& info);
Napi::Value finest_labels(const Napi::CallbackInfo& info);
Napi::Value label_map_at(const Napi::CallbackInfo& info);
Napi::Value fuse_labels(const Napi::CallbackInfo& info);
Napi::Value fuse_logits(const Napi::CallbackInfo& info);
Napi::Value merge_patches(const Napi::CallbackInfo& info);
Napi::Value build_region_hierarchy(const Napi::CallbackInfo& info);

void export_fusion(Napi::Env env, Napi::Object exports);

}  // namespace unsam::addon
