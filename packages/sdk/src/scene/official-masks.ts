import type { EngineInfo } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { parseOptions, withoutUndefined } from "@unsam/core/options";
import { type FoundMask as CoreMask, OFFICIAL_OPTIONS } from "@unsam/core/whole-image";
import { z } from "zod";
import { parseGranularity } from "../granularity.js";
import { checkMultimask } from "../segment-options.js";
import { entryOf } from "./everything.js";
import type { EverythingPlan, GranularityLevel } from "./everything-options.js";
import { FoundMask } from "./scene-mask.js";

/** The official generator's options and defaults; official names in brackets where they differ in more than their case. */
export interface GenerateMasksOptions {
  /** One granularity (default 1, the whole object); refused by a model without granularity. */
  readonly granularity?: GranularityLevel | undefined;
  /** Default 32. */
  readonly pointsPerSide?: number | undefined;
  /** Default 64. A limit on resources: the masks do not depend on it. */
  readonly pointsPerBatch?: number | undefined;
  /** Default 0.8 [pred_iou_thresh]. */
  readonly predictedIou?: number | undefined;
  /** Default 0.95 [stability_score_thresh]. */
  readonly stability?: number | undefined;
  /** Default true [multimask_output]; refused by hierarchies of regions. */
  readonly multimask?: boolean | undefined;
  /** Default false [use_m2m]; refused by hierarchies of regions. */
  readonly refine?: boolean | undefined;
  /** Default 0.7 [box_nms_thresh]. */
  readonly boxIoU?: number | undefined;
  /** Default 0 [crop_n_layers]. */
  readonly cropLayers?: number | undefined;
  /** Default 0.7 [crop_nms_thresh]. */
  readonly cropIoU?: number | undefined;
  /** Default 512 / 1500 [crop_overlap_ratio]. */
  readonly cropOverlap?: number | undefined;
  /** Default 1 [crop_n_points_downscale_factor]. */
  readonly cropPointsDownscale?: number | undefined;
  /** In pixels of the photo, default 0 [min_mask_region_area]. */
  readonly minRegionArea?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One mask as the official generator returns it. */
export class GeneratedMask extends FoundMask {
  declare readonly point: readonly [x: number, y: number];
  /** The crop it was found in, in pixels. */
  readonly cropBox: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };

  /** @internal */
  constructor(mask: CoreMask, granularities: readonly (number | null)[]) {
    super(entryOf(mask, granularities));
    const [x0, y0, x1, y1] = mask.cropBox;
    this.cropBox = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  }
}

const share = z.number().min(0).max(1);
const schema = z.strictObject({
  granularity: z.unknown().optional(),
  pointsPerSide: z.number().int().min(1).max(256).optional(),
  pointsPerBatch: z.number().int().min(1).max(4096).optional(),
  predictedIou: share.optional(),
  stability: share.optional(),
  multimask: z.boolean().optional(),
  refine: z.boolean().optional(),
  boxIoU: share.optional(),
  cropLayers: z.number().int().min(0).max(4).optional(),
  cropIoU: share.optional(),
  cropOverlap: z.number().min(0).max(0.9).optional(),
  cropPointsDownscale: z.number().min(1).max(256).optional(),
  minRegionArea: z.number().min(0).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Throws `E_BAD_OPTION`, `E_UNSUPPORTED`, `E_BAD_PROMPT`. */
export function officialPlan(
  options: GenerateMasksOptions,
  model: EngineInfo,
  photo: boolean,
): EverythingPlan {
  const { granularity, signal, ...given } = parseOptions(schema, options, "generateMasks");
  const can = model.capabilities;
  if (given.multimask) checkMultimask(model);
  if (given.refine && !can.refinement) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `refine is true, but a mask prompt does not refine the answers of ${model.name}; leave it out.`,
    );
  }
  for (const option of ["cropIoU", "cropOverlap", "cropPointsDownscale"] as const) {
    if (given[option] === undefined || (given.cropLayers ?? 0) > 0) continue;
    throw new UnSAMError(
      "E_BAD_OPTION",
      `${option} is ${given[option]}, but without crops it makes no difference; give cropLayers, or leave it out.`,
    );
  }
  if ((given.cropLayers ?? 0) > 0 && !photo) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `cropLayers is ${given.cropLayers}, but this image was loaded from a saved encoding, which holds no pixels; encode the photo.`,
    );
  }
  const level = granularity === undefined ? (can.granularity ? 1 : null) : parseGranularity(granularity);
  if (level === "auto" || (level !== null && !can.granularity)) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      can.granularity
        ? "generateMasks takes one granularity, a number from 0 to 1 or its name, not auto."
        : `A granularity was given, but ${model.name} is a model without granularity; leave it out.`,
    );
  }
  return { granularities: [level], options: { ...OFFICIAL_OPTIONS, ...withoutUndefined(given) } };
}
