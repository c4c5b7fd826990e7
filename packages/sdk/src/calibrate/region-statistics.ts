import { UnSAMError } from "@unsam/core/errors";
import type { Mask } from "@unsam/core/mask";
import { checkKeys } from "@unsam/core/options";
import { pointGrid } from "@unsam/core/whole-image";
import type { EncodedImage } from "../encoded-image.js";
import type { Granularity } from "../granularity.js";

export interface RegionStatisticsOptions {
  /** Side of the grid of clicks that looks for regions, 2 to 64; default 16. */
  readonly pointsPerSide?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the regions at one granularity are like. */
export interface RegionStatistics {
  readonly images: number;
  /** Regions of all images. */
  readonly regions: number;
  readonly regionsPerImage: number;
  /** Median over all regions of all images, in pixels, and as a share of the region's own image. */
  readonly medianRegionArea: number;
  readonly medianRegionShare: number;
}

/** Clicks in one decoder call. */
const BATCH = 16;
/** Two masks with a higher IoU are one region. */
const SAME_REGION = 0.8;

/**
 * The regions at one granularity, as clicks on a grid find them: click by click, in an order that spreads over
 * the image, skipping points that lie in a region found already. A region without a point of the grid is not counted.
 * Throws `E_BAD_OPTION`, `E_BAD_PROMPT`.
 */
export async function regionStatistics(
  images: readonly EncodedImage[],
  granularity: Exclude<Granularity, null>,
  options: RegionStatisticsOptions = {},
): Promise<RegionStatistics> {
  checkKeys(options, ["pointsPerSide", "signal"], "regionStatistics");
  const { pointsPerSide = 16, signal } = options;
  if (!Number.isInteger(pointsPerSide) || pointsPerSide < 2 || pointsPerSide > 64) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `pointsPerSide is ${pointsPerSide}; give a whole number from 2 to 64.`,
    );
  }
  if (!Array.isArray(images) || images.length === 0) {
    throw new UnSAMError("E_BAD_OPTION", "There are no images; give a list of at least one encoded image.");
  }
  const areas: number[] = [];
  const shares: number[] = [];
  for (const image of images) {
    for (const { area } of await regionsOf(image, granularity, pointsPerSide, signal)) {
      areas.push(area);
      shares.push(area / (image.width * image.height));
    }
  }
  return {
    images: images.length,
    regions: areas.length,
    regionsPerImage: areas.length / images.length,
    medianRegionArea: median(areas),
    medianRegionShare: median(shares),
  };
}

async function regionsOf(
  image: EncodedImage,
  granularity: Exclude<Granularity, null>,
  pointsPerSide: number,
  signal: AbortSignal | undefined,
): Promise<Mask[]> {
  const regions: Mask[] = [];
  let open = spread(pointGrid(pointsPerSide, image.width, image.height));
  while (open.length > 0) {
    const clicks = open.slice(0, BATCH);
    const answers = await image.segmentAll(
      clicks.map((point) => ({ points: [point], granularity })),
      { signal },
    );
    for (const { mask } of answers) {
      if (mask.area > 0 && !regions.some((region) => isSame(region, mask))) regions.push(mask);
    }
    const fresh = answers.map(({ mask }) => mask);
    open = open.slice(BATCH).filter(([x, y]) => !fresh.some((mask) => mask.has(x, y)));
  }
  return regions;
}

/** Areas alone settle most pairs. */
function isSame(a: Mask, b: Mask): boolean {
  return Math.min(a.area, b.area) > SAME_REGION * Math.max(a.area, b.area) && a.iou(b) > SAME_REGION;
}

/** The same points in an order in which every beginning lies all over the image: steps of the golden ratio. */
function spread<T>(points: readonly T[]): T[] {
  const place = (i: number) => (i * 0.6180339887498949) % 1;
  return points
    .map((point, i) => ({ point, at: place(i) }))
    .sort((a, b) => a.at - b.at)
    .map(({ point }) => point);
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
