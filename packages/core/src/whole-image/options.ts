/**
 * How masks of a whole image are sought. `grid`: the official generator's fixed grid of points; `adaptive`: points
 * where no confident mask lies yet; `regions`: no points at all, for a model that is a hierarchy of regions already.
 */
export type Prompting = "grid" | "adaptive" | "regions";

/** Names, values and rules of the official generator, where it has them; official names in brackets. */
export interface WholeImageOptions {
  /** Granularities as the model takes them, one pass for each; null: the model gets none. */
  readonly levels: readonly (number | null)[];
  readonly prompting: Prompting;
  /** The grid has its square [points_per_side]; adaptive prompting may spend two fifths of that, over all levels. */
  readonly pointsPerSide: number;
  /** Clicks in one decoder call [points_per_batch]. */
  readonly pointsPerBatch: number;
  /** Masks stay whose predicted IoU is above it; at 0 all do [pred_iou_thresh]. */
  readonly predictedIou: number;
  /** Masks stay whose stability score at logits ±1 is at least this; at 0 all do [stability_score_thresh]. */
  readonly stability: number;
  /** For UnSAMv2 it only chooses which IoU estimate counts; plain SAM 2 then gives three masks a click [multimask_output]. */
  readonly multimask: boolean;
  /** Each mask is given back once as a prompt beside its click [use_m2m]. */
  readonly refine: boolean;
  /** Of two boxes of one crop with a higher IoU the one of lower predicted IoU goes; grid only [box_nms_thresh]. */
  readonly boxIoU: number;
  /** Layer i adds (2^i)² crops [crop_n_layers]. */
  readonly cropLayers: number;
  /** Of two boxes of different crops with a higher IoU the one of the larger crop goes; grid only [crop_nms_thresh]. */
  readonly cropIoU: number;
  /** Share of the shorter side by which crops of the first layer overlap [crop_overlap_ratio]. */
  readonly cropOverlap: number;
  /** Layer i has pointsPerSide / this^i points a side [crop_n_points_downscale_factor]. */
  readonly cropPointsDownscale: number;
  /** Holes and islands of fewer pixels are removed; a region of a hierarchy must have as many [min_mask_region_area]. */
  readonly minRegionArea: number;
  /** Of two masks with a higher IoU one goes: with adaptive prompting, and between levels. */
  readonly maxIoU: number;
}

/** The official generator's defaults; one level, 1, the whole object. */
export const OFFICIAL_OPTIONS: WholeImageOptions = {
  levels: [1],
  prompting: "grid",
  pointsPerSide: 32,
  pointsPerBatch: 64,
  predictedIou: 0.8,
  stability: 0.95,
  multimask: true,
  refine: false,
  boxIoU: 0.7,
  cropLayers: 0,
  cropIoU: 0.7,
  cropOverlap: 512 / 1500,
  cropPointsDownscale: 1,
  minRegionArea: 0,
  maxIoU: 0.9,
};

/** Share of the grid's prompts that adaptive prompting may spend on a crop, over all levels together. */
export const ADAPTIVE_SHARE = 0.4;

/** … of which fine levels, which need most and come first, leave this share of a grid for each that follows. */
export const ADAPTIVE_RESERVE = 0.1;
