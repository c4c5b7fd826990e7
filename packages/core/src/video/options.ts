import type { StabilityFallback } from "../models/index.js";

/** How a tracker remembers and answers; names of the official predictor in brackets. */
export interface TrackerOptions {
  /**
   * A corrected frame becomes a conditioning frame, so that no later pass undoes the correction
   * (`add_all_frames_to_correct_as_cond`, which is off there).
   */
  readonly keepCorrections: boolean;
  /** Memories of prompted frames are made from a mask of zeros and ones (`binarize_mask_from_pts_for_mem_enc`). */
  readonly binaryPromptMasks: boolean;
  /** Holes up to this many low-resolution pixels are filled (`fill_hole_area`); 0: none. */
  readonly fillHoleArea: number;
  /** Conditioning frames that one frame reads at most (`max_cond_frames_in_attn`); null: all of them. */
  readonly maxConditioningFrames: number | null;
  /** Distance of the recent frames that are read (`memory_temporal_stride_for_eval`). */
  readonly memoryStride: number;
  /** null: the model's own (`max_obj_ptrs_in_encoder`). */
  readonly maxObjectPointers: number | null;
  /** null: the model's own. */
  readonly stability: StabilityFallback | null;
  /** How memories are stored; the official predictor rounds them. */
  readonly memoryPrecision: "bfloat16" | "float32";
  /** Results of tracked frames farther than this from the frame that was tracked last are forgotten; null: none are. */
  readonly history: number | null;
}

/** The official predictor as its builder makes it, on a machine without its CUDA extension. */
export const OFFICIAL_TRACKER: TrackerOptions = {
  keepCorrections: false,
  binaryPromptMasks: true,
  fillHoleArea: 0,
  maxConditioningFrames: null,
  memoryStride: 1,
  maxObjectPointers: null,
  stability: null,
  memoryPrecision: "bfloat16",
  history: null,
};
