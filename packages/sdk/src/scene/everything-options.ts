import { UnSAMError } from "@unsam/core/errors";
import type { NAMED_GRANULARITY } from "@unsam/core/names";
import { parseOptions } from "@unsam/core/options";
import { OFFICIAL_OPTIONS, type Prompting, type WholeImageOptions } from "@unsam/core/whole-image";
import { z } from "zod";
import { parseGranularity } from "../granularity.js";

/** A granularity that is one number. */
export type GranularityLevel = number | keyof typeof NAMED_GRANULARITY;

export interface EverythingProgress {
  /** Clicks made, and at most to be made; both 0 where the model is a hierarchy of regions and needs none. */
  readonly prompts: number;
  readonly promptsAtMost: number;
  /** Masks found so far; duplicates are still to be removed. */
  readonly masks: number;
  /** The granularity at work; null for a model without granularity. */
  readonly granularity: number | null;
  /** Share of the image (or the crop at work) in a mask at this granularity, sampled, [0, 1]. */
  readonly coverage: number;
}

export interface EverythingOptions {
  /**
   * Which granularities are looked at. `[min, max]`: `levels` of them, evenly spaced, both ends included. A list
   * of three or more: these (repeat one to name just two). One alone: that one. A hierarchy of regions gives all that
   * own a pixel somewhere between the lowest and the highest. Default `[0.1, 1]`; refused by a
   * model without granularity.
   */
  readonly granularity?: GranularityLevel | readonly GranularityLevel[] | undefined;
  /** How many granularities a range `[min, max]` means (default 5); refused where granularity is no range, and for regions. */
  readonly levels?: number | undefined;
  /**
   * Side of the official grid (default 32). Adaptive prompting spends at most two fifths of its square. Regions are found
   * without clicks and refuse it.
   */
  readonly pointsPerSide?: number | undefined;
  /** Layer i looks again at (2^i)² overlapping crops, where small things are (default 0). Regions refuse it. */
  readonly cropLayers?: number | undefined;
  /** Holes and islands of fewer pixels are removed, regions of a hierarchy with fewer are not taken (default 0). */
  readonly minRegionArea?: number | undefined;
  /** Masks stay whose predicted IoU is above it (default 0.8; for the region tree 0). */
  readonly predictedIou?: number | undefined;
  /** Masks stay whose stability score is at least this (default 0.95; for the region tree 0). */
  readonly stability?: number | undefined;
  /**
   * `"adaptive"` (default for networks): clicks go where no confident mask lies yet, until coverage stalls. `"grid"`: the
   * official generator's grid and suppression. `"regions"` (default for the region tree): its own regions worth keeping.
   */
  readonly prompting?: Prompting | undefined;
  readonly onProgress?: ((progress: EverythingProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the options mean for a model. */
export interface EverythingPlan {
  /** Granularities, one for each level of `options`; [null]: the model knows none. */
  readonly granularities: readonly (number | null)[];
  readonly options: Omit<WholeImageOptions, "levels">;
}

/** The model, as far as the options depend on it. */
export interface EverythingModel {
  readonly name: string;
  readonly granularity: boolean;
  readonly regions: boolean;
  /** Whether the photo's pixels are at hand, so that crops of it can be encoded. */
  readonly photo: boolean;
}

const DEFAULT_RANGE = [0.1, 1] as const;
const DEFAULT_LEVELS = 5;
const MOST_LEVELS = 64;

const share = z.number().min(0).max(1);
const schema = z.strictObject({
  granularity: z.unknown().optional(),
  levels: z.number().int().min(2).max(MOST_LEVELS).optional(),
  pointsPerSide: z.number().int().min(1).max(256).optional(),
  cropLayers: z.number().int().min(0).max(4).default(OFFICIAL_OPTIONS.cropLayers),
  minRegionArea: z.number().min(0).default(OFFICIAL_OPTIONS.minRegionArea),
  predictedIou: share.optional(),
  stability: share.optional(),
  prompting: z.enum(["adaptive", "grid", "regions"]).optional(),
  onProgress: z.custom<(progress: EverythingProgress) => void>((f) => typeof f === "function").optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Checks the options, for a model. Throws `E_BAD_OPTION`, `E_UNSUPPORTED`; `E_BAD_PROMPT` for a granularity. */
export function planEverything(options: EverythingOptions, model: EverythingModel): EverythingPlan {
  const parsed = parseOptions(schema, options, "everything");
  const { levels = DEFAULT_LEVELS, minRegionArea, predictedIou, stability } = parsed;
  const { pointsPerSide = OFFICIAL_OPTIONS.pointsPerSide, cropLayers } = parsed;
  const prompting = parsed.prompting ?? (model.regions ? "regions" : "adaptive");
  checkPrompting(prompting, parsed, model);
  const granularities = granularitiesOf(options.granularity, levels, model);
  if (parsed.levels !== undefined && !model.granularity) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `levels is ${levels}, but ${model.name} is a model without granularity; leave it out.`,
    );
  }
  if (parsed.levels !== undefined && !isRange(options.granularity)) {
    throw idle(
      "levels",
      parsed.levels,
      "it is how many granularities a range [min, max] means, and granularity is none",
    );
  }
  if (cropLayers > 0 && !model.photo) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `cropLayers is ${cropLayers}, but this image was loaded from a saved encoding, which holds no pixels; encode the photo.`,
    );
  }
  return {
    granularities,
    options: {
      ...OFFICIAL_OPTIONS,
      prompting,
      pointsPerSide,
      cropLayers,
      minRegionArea,
      predictedIou: predictedIou ?? (model.regions ? 0 : OFFICIAL_OPTIONS.predictedIou),
      stability: stability ?? (model.regions ? 0 : OFFICIAL_OPTIONS.stability),
    },
  };
}

/** Throws `E_UNSUPPORTED` where the model has no regions to offer, `E_BAD_OPTION` for what regions do not depend on. */
function checkPrompting(
  prompting: Prompting,
  { levels, pointsPerSide, cropLayers }: z.output<typeof schema>,
  { name, regions }: EverythingModel,
): void {
  if (prompting !== "regions") return;
  if (!regions) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `prompting is "regions", but ${name} is no hierarchy of regions; use "adaptive" or "grid".`,
    );
  }
  const instead = 'use prompting: "adaptive" or "grid" with it';
  if (cropLayers > 0) throw idle("cropLayers", cropLayers, `regions are not sought in crops; ${instead}`);
  if (pointsPerSide !== undefined) {
    throw idle("pointsPerSide", pointsPerSide, `regions are not sought by clicks; ${instead}`);
  }
  if (levels !== undefined) {
    throw idle(
      "levels",
      levels,
      `regions of all granularities between the ends of the range come at once; ${instead}`,
    );
  }
}

/** An option that would make no difference. */
function idle(option: string, value: number, why: string): UnSAMError {
  return new UnSAMError("E_BAD_OPTION", `${option} is ${value}, but ${why}, or leave it out.`);
}

function isRange(granularity: EverythingOptions["granularity"]): boolean {
  return granularity === undefined || (Array.isArray(granularity) && granularity.length === 2);
}

/** The granularities that are meant, ascending. */
function granularitiesOf(
  given: EverythingOptions["granularity"],
  levels: number,
  { granularity, name }: EverythingModel,
): (number | null)[] {
  if (!granularity) {
    if (given === undefined) return [null];
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `A granularity was given, but ${name} is a model without granularity; leave it out.`,
    );
  }
  const list = (Array.isArray(given) ? given : given === undefined ? DEFAULT_RANGE : [given]).map((level) => {
    const number = parseGranularity(level);
    if (typeof number === "number") return number;
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The granularity of a whole image is a number, a range [min, max] or a list of numbers, not ${number}.`,
    );
  });
  if (list.length === 0 || list.length > MOST_LEVELS) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `${list.length} granularities were given; give from 1 to ${MOST_LEVELS}.`,
    );
  }
  if (list.length !== 2) return [...new Set(list)].sort((a, b) => a - b);
  const [min, max] = list;
  if (min > max) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The range of granularity is [${min}, ${max}]; the lower end comes first.`,
    );
  }
  if (min === max) return [min];
  // Rounded, so that 0.1 … 1 in ten steps holds 0.3 and not 0.30000000000000004.
  const step = (max - min) / (levels - 1);
  return Array.from({ length: levels }, (_, i) =>
    i === levels - 1 ? max : Number((min + i * step).toFixed(6)),
  );
}
