import { suppressBoxes } from "../fusion/index.js";
import {
  type Frame,
  type PackedMask,
  packedIoU,
  packMask,
  placeMask,
  removeSmallRegions,
  unpackMask,
} from "../mask/index.js";
import { Coverage } from "./coverage.js";
import type { Claim, CollectedBatch, FoundMask, LevelReport } from "./found-mask.js";
import { type Crop, type CropBox, touchesCropEdge } from "./grid.js";
import { ADAPTIVE_RESERVE, ADAPTIVE_SHARE, type WholeImageOptions } from "./options.js";
import { PromptPlanner } from "./planner.js";
import type { ProposedMask } from "./proposals.js";
import { isStable } from "./score-thresholds.js";

/** Masks of one crop and level wait for the official box suppression; beyond this many bytes, or MAX_FOUND, it is early. */
const WAITING_BYTES = 192 * 2 ** 20;

/** More masks than a scene has use for: all their pairs are 134 MB of counts. The worst go. */
export const MAX_FOUND = 8192;

/**
 * Gathers the masks of one image, level by level and crop by crop: thresholds, crop edges, suppression, duplicates.
 * Masks are packed as they come. Not for the main thread: it works on masks at image size.
 */
export class MaskCollector {
  readonly #size: { readonly width: number; readonly height: number };
  readonly #options: WholeImageOptions;
  /** Of each level: masks from the crops done, and how many clicks were made. */
  readonly #ofLevels: FoundMask[][];
  readonly #prompts: number[];
  /** Masks of the crop under way. */
  #ofCrop: FoundMask[] = [];
  #level = 0;
  #crop: Crop;
  #coverage: Coverage;
  #planner: PromptPlanner | null = null;
  /** Clicks that adaptive prompting has left for this crop, over all levels. */
  #budget = 0;

  constructor(size: { readonly width: number; readonly height: number }, options: WholeImageOptions) {
    this.#size = { width: size.width, height: size.height };
    this.#options = options;
    this.#ofLevels = options.levels.map(() => []);
    this.#prompts = options.levels.map(() => 0);
    this.#crop = { box: [0, 0, size.width, size.height], layer: 0 };
    this.#coverage = new Coverage(this.#crop.box, options.pointsPerSide);
  }

  /** Begins with a crop at a level; `pointsPerSide`: of its grid. */
  begin(level: number, crop: Crop, pointsPerSide: number): void {
    this.#level = level;
    this.#crop = crop;
    this.#ofCrop = [];
    this.#coverage = new Coverage(crop.box, pointsPerSide);
    this.#planner = null;
    if (this.#options.prompting !== "adaptive") return;
    const { length } = this.#options.levels;
    const grid = pointsPerSide ** 2;
    if (level === 0) this.#budget = Math.floor(ADAPTIVE_SHARE * grid * length);
    const reserved = Math.floor(ADAPTIVE_RESERVE * grid * (length - 1 - level));
    const most = Math.max(1, Math.min(grid, this.#budget - reserved));
    this.#planner = new PromptPlanner(this.#coverage, most);
  }

  /** Where adaptive prompting wants the next clicks, in pixels of the crop; none: this crop is done at this level. */
  nextClicks(): [x: number, y: number][] {
    const [x0, y0] = this.#crop.box;
    const clicks = this.#planner?.next(this.#options.pointsPerBatch) ?? [];
    return clicks.map(([x, y]) => [x - x0, y - y0]);
  }

  /** Size of the crop under way, in pixels. */
  get cropSize(): { readonly width: number; readonly height: number } {
    const [x0, y0, x1, y1] = this.#crop.box;
    return { width: x1 - x0, height: y1 - y0 };
  }

  /** Takes some masks of a batch of clicks; `clicks`: all of the batch, with the last of its masks, else none. */
  add(masks: readonly ProposedMask[], clicks: readonly (readonly [number, number])[]): CollectedBatch {
    const { width, height } = this.cropSize;
    const isCleaned = this.#cleansAtOnce;
    return this.#add(
      masks,
      ({ mask }) => (isCleaned ? this.#pack(unpackMask(mask), width, height) : placeMask(mask, this.#frame)),
      clicks,
    );
  }

  /** The same for masks that are bits at the size of the crop, in the layout of `Mask`. */
  addBits(
    masks: readonly (Claim & { readonly words: Uint32Array; readonly stability: number })[],
    clicks: readonly (readonly [number, number])[],
  ): CollectedBatch {
    const { width, height } = this.cropSize;
    return this.#add(masks, ({ words }) => this.#pack(words, width, height), clicks);
  }

  #add<Given extends Claim & { readonly stability: number }>(
    masks: readonly Given[],
    packed: (mask: Given) => PackedMask,
    clicks: readonly (readonly [number, number])[],
  ): CollectedBatch {
    const cropBox: CropBox = this.#crop.box;
    const [x0, y0] = cropBox;
    const found: FoundMask[] = [];
    for (const given of masks) {
      const { stability, predictedIou, point } = given;
      if (!isStable(stability, this.#options)) continue;
      const mask = packed(given);
      if (touchesCropEdge(mask.box, cropBox, this.#size)) continue;
      const at = [x0 + point[0], y0 + point[1]] as const;
      found.push({
        mask,
        predictedIou,
        stability,
        level: this.#level,
        granularity: null,
        point: at,
        cropBox,
      });
    }
    this.#prompts[this.#level] += clicks.length;
    this.#budget -= clicks.length;
    for (const entry of found) {
      this.#coverage.add(entry.mask);
      if (this.#planner) this.#keepDistinct(this.#ofCrop, entry);
      else this.#ofCrop.push(entry);
    }
    this.#planner?.settle(clicks.map(([x, y]) => [x0 + x, y0 + y]));
    if (!this.#planner && (this.#bytesWaiting() > WAITING_BYTES || this.#ofCrop.length > MAX_FOUND)) {
      this.#suppress();
      this.#ofCrop = best(this.#ofCrop);
    }
    return { found, coverage: this.#coverage.share };
  }

  /** Takes regions of a hierarchy as they are. */
  addRegions(regions: readonly ProposedMask[]): CollectedBatch {
    const cropBox: CropBox = this.#crop.box;
    const found = regions.map((region): FoundMask => ({ ...region, level: this.#level, cropBox }));
    for (const region of found) {
      this.#coverage.add(region.mask);
      this.#ofCrop.push(region);
    }
    return { found, coverage: this.#coverage.share };
  }

  /** Ends with the crop. */
  end(): void {
    if (this.#options.prompting === "grid") this.#suppress();
    const ofLevel = this.#ofLevels[this.#level];
    if (this.#options.prompting === "grid") ofLevel.push(...this.#ofCrop);
    else for (const entry of this.#ofCrop) this.#keepDistinct(ofLevel, entry);
    this.#ofCrop = [];
    this.#ofLevels[this.#level] = best(ofLevel);
  }

  /** All that was found, and a report for each level. */
  result(): { masks: FoundMask[]; levels: LevelReport[] } {
    const perLevel = this.#ofLevels.map((masks) => this.#finished(masks));
    const levels = perLevel.map((masks, level): LevelReport => {
      const coverage = new Coverage([0, 0, this.#size.width, this.#size.height], this.#options.pointsPerSide);
      for (const { mask } of masks) coverage.add(mask);
      return { level, prompts: this.#prompts[level], coverage: coverage.share };
    });
    // A single run of the official generator stays as it is, and so do the regions of a hierarchy.
    if (perLevel.length === 1 || this.#options.prompting === "regions") {
      return { masks: best(perLevel.flat()), levels };
    }
    const distinct: FoundMask[] = [];
    for (const entry of perLevel.flat()) this.#keepDistinct(distinct, entry);
    return { masks: best(distinct), levels };
  }

  /** Official suppression between crops, then small regions. */
  #finished(masks: FoundMask[]): FoundMask[] {
    const { prompting, cropLayers, boxIoU, cropIoU, minRegionArea } = this.#options;
    if (prompting !== "grid") return masks;
    const distinct =
      cropLayers > 0
        ? suppressed(masks, ({ cropBox: [x0, y0, x1, y1] }) => 1 / ((x1 - x0) * (y1 - y0)), cropIoU)
        : masks;
    return minRegionArea > 0 ? this.#cleaned(distinct, Math.max(boxIoU, cropIoU)) : distinct;
  }

  #pack(words: Uint32Array, width: number, height: number): PackedMask {
    const { minRegionArea } = this.#options;
    const bits = this.#cleansAtOnce ? cleaned(words, width, height, minRegionArea) : words;
    return packMask(bits, width, height, this.#frame);
  }

  /** Whether small regions are removed from each mask as it comes: the official order of steps cleans last. */
  get #cleansAtOnce(): boolean {
    const { minRegionArea, prompting } = this.#options;
    return minRegionArea > 0 && prompting !== "grid";
  }

  /** Where masks of the crop lie in the image. */
  get #frame(): Frame {
    const [x, y] = this.#crop.box;
    return { x, y, ...this.#size };
  }

  /** Of two masks that are the same to within `maxIoU` the better one stays; its level is the finer one of both. */
  #keepDistinct(masks: FoundMask[], entry: FoundMask): void {
    const { maxIoU, levels } = this.#options;
    const alike = masks.findIndex((other) => isAlike(other.mask, entry.mask, maxIoU));
    if (alike < 0) {
      masks.push(entry);
      return;
    }
    const other = masks[alike];
    const finer = (levels[entry.level] ?? 1) < (levels[other.level] ?? 1) ? entry.level : other.level;
    const better = entry.predictedIou > other.predictedIou ? entry : other;
    masks[alike] = { ...better, level: finer };
  }

  #suppress(): void {
    this.#ofCrop = suppressed(this.#ofCrop, ({ predictedIou }) => predictedIou, this.#options.boxIoU);
  }

  #bytesWaiting(): number {
    return this.#ofCrop.reduce((sum, { mask }) => sum + mask.data.length, 0);
  }

  /** Small holes and islands go; boxes are suppressed again, and of two the one that was clean already stays. */
  #cleaned(masks: readonly FoundMask[], maxIoU: number): FoundMask[] {
    const { width, height } = this.#size;
    const changed = new Set<FoundMask>();
    const clean = masks.map((entry) => {
      const before = unpackMask(entry.mask);
      const mask = packMask(cleaned(before, width, height, this.#options.minRegionArea), width, height);
      if (mask.area === entry.mask.area && packedIoU(mask, entry.mask) === 1) return entry;
      const after = { ...entry, mask };
      changed.add(after);
      return after;
    });
    return suppressed(clean, (entry) => (changed.has(entry) ? 0 : 1), maxIoU);
  }
}

/** At most `MAX_FOUND`: the order stays where it need not change. */
function best(masks: FoundMask[]): FoundMask[] {
  if (masks.length <= MAX_FOUND) return masks;
  return masks.sort((a, b) => b.predictedIou - a.predictedIou).slice(0, MAX_FOUND);
}

function cleaned(words: Uint32Array, width: number, height: number, minArea: number): Uint32Array {
  const filled = removeSmallRegions(words, width, height, "holes", minArea);
  return removeSmallRegions(filled, width, height, "islands", minArea);
}

/** The official box suppression: best first, as it returns them. */
function suppressed(
  masks: readonly FoundMask[],
  score: (mask: FoundMask) => number,
  maxIoU: number,
): FoundMask[] {
  const boxes = Float64Array.from(masks.flatMap(({ mask }) => mask.box));
  return Array.from(suppressBoxes(boxes, Float64Array.from(masks, score), maxIoU), (i) => masks[i]);
}

/** Whether the IoU is above `maxIoU`; most pairs are settled by their areas and boxes. */
function isAlike(a: PackedMask, b: PackedMask, maxIoU: number): boolean {
  const [small, large] = a.area < b.area ? [a.area, b.area] : [b.area, a.area];
  if (small <= maxIoU * large) return false;
  const width = Math.min(a.box[2], b.box[2]) - Math.max(a.box[0], b.box[0]) + 1;
  const height = Math.min(a.box[3], b.box[3]) - Math.max(a.box[1], b.box[1]) + 1;
  if (width <= 0 || height <= 0 || width * height <= maxIoU * large) return false;
  return packedIoU(a, b) > maxIoU;
}
