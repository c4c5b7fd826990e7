import type { Abortable } from "../abortable.js";
import { checkMaskSize, type PackedMask, PackedRows, setRun, wordsPerRow } from "../mask/index.js";
import type { RegionForest } from "./forest.js";
import type { FusedMap } from "./fused-map.js";
import { checkCount, checkPerMask, type MaskStack } from "./mask-stack.js";
import { commonPixels, type Overlaps, pairRow, selectOverlaps } from "./pairwise.js";

export interface PackedSceneOptions {
  /** Of two masks with a higher intersection over union, the one with the lower score goes; 0.9 by default. */
  readonly maxIoU?: number;
  /** Share of a mask that its parent must hold; 0.8 by default. */
  readonly containment?: number;
  /** Looked at between masks and between tiles: it throws its reason once the caller has given up. */
  readonly signal?: Abortable | undefined;
}

/** Masks at image size as one nested scene. Entry r of everything but `kept` is mask `kept[r]` of the input. */
export interface PackedScene {
  /** The masks that stayed, best score first. */
  readonly kept: Int32Array;
  /** Granularity of each that stayed: its own, or the lowest among the duplicates it stands for, [kept]. */
  readonly granularities: Float64Array;
  readonly forest: RegionForest;
  /** The finest region of each pixel as region + 1, 0 where no mask is, [height, width]; as `finestLabels` makes it. */
  readonly finest: Int32Array;
  readonly contours: FusedMap;
}

/** The steps that take long; `@unsam/core/operations` has them in the addon and in TypeScript, with the same bits. */
export interface FusionSteps {
  pairwiseOverlaps(masks: MaskStack, boxes: Int32Array): Promise<Overlaps>;
  removeDuplicates(
    areas: Uint32Array,
    scores: Float64Array,
    overlaps: Overlaps,
    maxIoU: number,
  ): Promise<Int32Array>;
  buildForest(
    areas: Uint32Array,
    scores: Float64Array,
    granularities: Float64Array,
    overlaps: Overlaps,
    containment: number,
  ): Promise<RegionForest>;
  fuseLabels(finest: Int32Array, forest: RegionForest, width: number, height: number): Promise<FusedMap>;
}

/** Bits that are held unpacked at once. */
const TILE_BYTES = 32 * 2 ** 20;

/** Bytes that a scene takes beside its masks: labels and contours of each pixel, and the overlaps of all pairs. */
export function sceneBytes(count: number, width: number, height: number): number {
  return 8 * width * height + 2 * count * (count - 1);
}

/**
 * Fuses packed masks: what `fuseLogits` does with logits, at image size and in bounded memory. Masks are unpacked
 * tile by tile, a few megabytes at a time, however large the photo is. A mask found again at other granularities
 * is one region, which begins at the lowest of them. Throws `E_BAD_PROMPT`, `E_BAD_OPTION`.
 */
export async function buildPackedScene(
  masks: readonly PackedMask[],
  size: { readonly width: number; readonly height: number },
  scores: Float64Array,
  granularities: Float64Array,
  steps: FusionSteps,
  { maxIoU = 0.9, containment = 0.8, signal }: PackedSceneOptions = {},
): Promise<PackedScene> {
  const { width, height } = size;
  checkCount(masks.length);
  checkMaskSize(width, height);
  checkPerMask("scores", scores, masks.length);
  checkPerMask("granularities", granularities, masks.length);
  const areas = Uint32Array.from(masks, ({ area }) => area);
  const overlaps = await packedOverlaps(masks, size, steps, signal);
  const kept = await steps.removeDuplicates(areas, scores, overlaps, maxIoU);
  const lowest = lowestGranularities(kept, areas, granularities, overlaps, maxIoU);
  const pick = (values: ArrayLike<number>) => Float64Array.from(kept, (k) => values[k]);
  const forest = await steps.buildForest(
    Uint32Array.from(kept, (k) => areas[k]),
    pick(scores),
    lowest,
    kept.length === masks.length && kept.every((k, r) => k === r) ? overlaps : selectOverlaps(overlaps, kept),
    containment,
  );
  const chosen = Array.from(kept, (k) => masks[k]);
  const finest = paintFinest(chosen, forest, size, signal);
  const contours = await steps.fuseLabels(finest, forest, width, height);
  return { kept, granularities: lowest, forest, finest, contours };
}

/** `finestLabels` from packed masks: painted in the order of the forest, so that descendants cover their ancestors. */
export function paintFinest(
  masks: readonly PackedMask[],
  forest: RegionForest,
  { width, height }: { readonly width: number; readonly height: number },
  signal?: Abortable,
): Int32Array {
  const labels = new Int32Array(width * height);
  for (const region of forest.order) {
    signal?.throwIfAborted();
    const rows = new PackedRows(masks[region]);
    while (rows.next()) {
      const row = rows.y * width;
      const { crossings, count } = rows;
      for (let i = 0; i < count; i += 2) labels.fill(region + 1, row + crossings[i], row + crossings[i + 1]);
    }
  }
  return labels;
}

/** Each duplicate counts for the first (best) of those kept that it duplicates. */
function lowestGranularities(
  kept: Int32Array,
  areas: Uint32Array,
  granularities: Float64Array,
  overlaps: Overlaps,
  maxIoU: number,
): Float64Array {
  const lowest = Float64Array.from(kept, (k) => granularities[k]);
  const stays = new Uint8Array(overlaps.count);
  for (const k of kept) stays[k] = 1;
  for (let i = 0; i < overlaps.count; i++) {
    if (stays[i]) continue;
    const original = kept.findIndex((k) => {
      const common = commonPixels(overlaps, i, k);
      return common > maxIoU * (areas[i] + areas[k] - common);
    });
    if (original >= 0) lowest[original] = Math.min(lowest[original], granularities[i]);
  }
  return lowest;
}

/** A part of the image: words of each row, and rows; the ends are exclusive. */
interface Tile {
  readonly firstWord: number;
  readonly lastWord: number;
  readonly top: number;
  readonly bottom: number;
}

/** Intersections of all pairs, summed over tiles. Where the rows of all masks fit, a tile is as wide as the image. */
async function packedOverlaps(
  masks: readonly PackedMask[],
  { width, height }: { readonly width: number; readonly height: number },
  steps: FusionSteps,
  signal: Abortable | undefined,
): Promise<Overlaps> {
  const count = masks.length;
  const common = new Uint32Array((count * (count - 1)) / 2);
  if (count < 2) return { count, common };
  const stride = wordsPerRow(width);
  const wordsPerTile = Math.min(stride, Math.max(1, Math.floor(TILE_BYTES / (4 * count))));
  const rowsPerTile = Math.max(1, Math.floor(TILE_BYTES / (4 * wordsPerTile * count)));
  for (let firstWord = 0; firstWord < stride; firstWord += wordsPerTile) {
    const lastWord = Math.min(stride, firstWord + wordsPerTile);
    const beside = Int32Array.from(masks.keys()).filter((i) => {
      const { area, box } = masks[i];
      return area > 0 && box[0] < 32 * lastWord && box[2] >= 32 * firstWord;
    });
    if (beside.length < 2) continue;
    const cursors = new Map<number, PackedRows>();
    for (let top = 0; top < height; top += rowsPerTile) {
      signal?.throwIfAborted();
      const tile = { firstWord, lastWord, top, bottom: Math.min(height, top + rowsPerTile) };
      const here = beside.filter((i) => masks[i].box[1] < tile.bottom && masks[i].box[3] >= top);
      if (here.length < 2) continue;
      const { stack, boxes } = unpackTile(masks, here, tile, cursors);
      addTile(common, count, (await steps.pairwiseOverlaps(stack, boxes)).common, here);
    }
  }
  return { count, common };
}

function addTile(common: Uint32Array, count: number, tile: Uint32Array, here: Int32Array): void {
  let pair = 0;
  for (let i = 0; i < here.length; i++) {
    const row = pairRow(count, here[i]);
    for (let j = i + 1; j < here.length; j++, pair++) common[row + here[j]] += tile[pair];
  }
}

/** The chosen masks in a tile, with their boxes there. Each mask's cursor goes on where the tile above has left it. */
function unpackTile(
  masks: readonly PackedMask[],
  here: Int32Array,
  { firstWord, lastWord, top, bottom }: Tile,
  cursors: Map<number, PackedRows>,
): { stack: MaskStack; boxes: Int32Array } {
  const stride = lastWord - firstWord;
  const left = 32 * firstWord;
  const width = Math.min(masks[here[0]].width, 32 * lastWord) - left;
  const height = bottom - top;
  const words = new Uint32Array(here.length * height * stride);
  const boxes = new Int32Array(4 * here.length);
  for (let n = 0; n < here.length; n++) {
    const { box } = masks[here[n]];
    const rows = cursors.get(here[n]) ?? new PackedRows(masks[here[n]]);
    const last = Math.min(bottom - 1, box[3]);
    while (rows.y < last && rows.next()) {
      // A tile without two masks was passed over; its rows are read, not used.
      if (rows.y < top) continue;
      const row = (n * height + rows.y - top) * stride;
      const { crossings, count } = rows;
      for (let i = 0; i < count; i += 2) {
        setRun(words, row, Math.max(0, crossings[i] - left), Math.min(width, crossings[i + 1] - left));
      }
    }
    if (box[3] >= bottom) cursors.set(here[n], rows);
    else cursors.delete(here[n]);
    const [x0, x1] = [Math.max(box[0] - left, 0), Math.min(box[2] - left, width - 1)];
    boxes.set([x0, Math.max(box[1], top) - top, x1, last - top], 4 * n);
  }
  return { stack: { count: here.length, width, height, words }, boxes };
}
