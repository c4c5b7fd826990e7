import { UnSAMError } from "@unsam/core/errors";
import { parseOptions } from "@unsam/core/options";
import { surelyWhole } from "@unsam/core/tiles";
import { z } from "zod";
import { parseGranularity } from "../granularity.js";
import {
  type EverythingModel,
  type EverythingOptions,
  type EverythingPlan,
  type GranularityLevel,
  planEverything,
} from "../scene/everything-options.js";

export interface TiledProgress {
  /** Tiles done, and in all: those of the image at its own size, then those of its smaller versions. */
  readonly tiles: number;
  readonly tilesInAll: number;
  /** Masks found so far; the same thing may still be among them in several pieces. */
  readonly masks: number;
}

/** The other options mean for each tile what they mean for a photo. */
export interface TiledOptions
  extends Pick<
    EverythingOptions,
    | "levels"
    | "pointsPerSide"
    | "cropLayers"
    | "minRegionArea"
    | "predictedIou"
    | "stability"
    | "prompting"
    | "signal"
  > {
  /** Side of a tile in pixels (default 2048). */
  readonly tile?: number | undefined;
  /** Pixels that neighbouring tiles share, at least (default: an eighth of the tile). */
  readonly overlap?: number | undefined;
  /**
   * Which masks are in the result: a range `[min, max]` (default `[0, 1]`, all). Granularity is their size here, on one
   * logarithmic scale for the whole image: 0 at 64 pixels, 1 at the image. Models are always asked at all of theirs.
   */
  readonly granularity?: readonly [GranularityLevel, GranularityLevel] | undefined;
  /** Images of more pixels are refused (default and most: 2³¹ − 1; the limit of `encode` does not count here). */
  readonly maxPixels?: number | undefined;
  readonly onProgress?: ((progress: TiledProgress) => void) | undefined;
}

export interface TiledPlan {
  readonly tile: number;
  readonly overlap: number;
  readonly granularity: readonly [low: number, high: number];
  /** For each tile. */
  readonly everything: EverythingPlan;
  readonly maxPixels: number | undefined;
}

export const DEFAULT_TILE = 2048;
const LEAST_TILE = 128;
/** As large as the largest photo that is taken without tiles. */
const MOST_TILE = 8192;

const whole = z.number().int();
const schema = z.strictObject({
  tile: whole.min(LEAST_TILE).max(MOST_TILE).default(DEFAULT_TILE),
  overlap: whole.min(0).optional(),
  granularity: z.unknown().optional(),
  levels: z.unknown().optional(),
  pointsPerSide: z.unknown().optional(),
  cropLayers: z.unknown().optional(),
  minRegionArea: z.unknown().optional(),
  predictedIou: z.unknown().optional(),
  stability: z.unknown().optional(),
  prompting: z.unknown().optional(),
  maxPixels: z.number().optional(),
  onProgress: z.custom<(progress: TiledProgress) => void>((f) => typeof f === "function").optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Checks the options, for a model. Throws `E_BAD_OPTION`, `E_UNSUPPORTED`, `E_BAD_PROMPT` as `everything` does. */
export function planTiled(options: TiledOptions, model: EverythingModel): TiledPlan {
  const parsed = parseOptions(schema, options, "everythingTiled");
  const { tile, overlap = Math.floor(tile / 8), maxPixels } = parsed;
  if (surelyWhole({ tile, overlap }) < 8 || overlap > tile / 2) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `overlap is ${overlap} for tiles of ${tile} pixels; give ${leastOverlap(tile)} to ${Math.floor(tile / 2)}, the default is an eighth of the tile.`,
    );
  }
  const { levels, pointsPerSide, cropLayers, minRegionArea, predictedIou, stability, prompting } = options;
  const each = { levels, pointsPerSide, cropLayers, minRegionArea, predictedIou, stability, prompting };
  return {
    tile,
    overlap,
    granularity: rangeOf(options.granularity),
    everything: planEverything(each, model),
    maxPixels,
  };
}

function leastOverlap(tile: number): number {
  let overlap = 0;
  while (surelyWhole({ tile, overlap }) < 8) overlap++;
  return overlap;
}

function rangeOf(given: TiledOptions["granularity"]): [number, number] {
  if (given === undefined) return [0, 1];
  const [low, high] = Array.isArray(given) && given.length === 2 ? given.map(parseGranularity) : [];
  if (typeof low === "number" && typeof high === "number" && low <= high) return [low, high];
  throw new UnSAMError(
    "E_BAD_PROMPT",
    "With tiles, granularity is a range [min, max] of the sizes that are wanted, the lower end first.",
  );
}
