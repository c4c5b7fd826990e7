import type { RgbImage } from "@unsam/core/image";
import type { Mask } from "@unsam/core/mask";
import { type PatchFeatures, type PatchMerges, patchLabels } from "@unsam/core/patch-merge";
import { type Candidate, LEAST_INSIDE } from "../family.js";
import { type Crop, cropAround, refineMask } from "../refine/refine-mask.js";

/** Merging stops at each of these mean cosine similarities in turn; what stands then are candidates. */
export const THRESHOLDS = [0.9, 0.8, 0.7, 0.6, 0.5];

/** A border that refinement leaves less certain than this is none: slivers, and gradual changes of colour. */
const LEAST_STABILITY = 0.5;

/** Features of the patches of a crop: patch (x, y) covers the same share of the crop as of the map. */
export interface PatchMap extends PatchFeatures {
  readonly crop: Crop;
}

/**
 * Conquer (UnSAM, section 3.2): the regions that stand at falling similarities when the patches of the crop around an
 * instance are merged, as far as they lie in the instance by 90 %; cut to it, with borders on the edges of the image.
 */
export async function partsOf(
  image: RgbImage,
  instance: Mask,
  patches: PatchMap,
  merge: (features: PatchFeatures) => Promise<PatchMerges>,
  minArea: number,
): Promise<Candidate[]> {
  const { crop, width: columns, height: rows } = patches;
  const covered = coverage(instance, patches);
  const merges = await merge(patches);
  const parts: Candidate[] = [];
  const seen = new Set<string>();
  for (const threshold of THRESHOLDS) {
    const labels = patchLabels(merges, threshold);
    for (const { label, cells } of regionsIn(labels)) {
      const share = cells.reduce((sum, cell) => sum + covered[cell], 0) / cells.length;
      const key = `${cells[0]}:${cells.length}`;
      // Regions of one merging are nested or apart: the same first patch and size is the same region.
      if (share < LEAST_INSIDE || seen.has(key)) continue;
      seen.add(key);
      const cellSide = Math.max(crop.width / columns, crop.height / rows);
      const inRegion = (x: number, y: number) => {
        const column = Math.min(columns - 1, Math.floor(((x - crop.x) * columns) / crop.width));
        const row = Math.min(rows - 1, Math.floor(((y - crop.y) * rows) / crop.height));
        return column >= 0 && row >= 0 && labels[row * columns + column] === label && instance.has(x, y);
      };
      const radius = Math.max(2, Math.round(cellSide));
      const around = cropAround(boxOf(cells, patches), 2 * radius, image.width, image.height);
      const { mask, stability } = refineMask(image, around, inRegion, radius);
      if (stability < LEAST_STABILITY) continue;
      for (let i = 0; i < mask.words.length; i++) mask.words[i] &= instance.words[i];
      if (mask.area >= minArea) parts.push({ mask, predictedIou: threshold * stability, stability });
    }
  }
  return parts;
}

/** Share of each patch that the instance covers, [height · width]. */
function coverage(instance: Mask, { crop, width: columns, height: rows }: PatchMap): Float64Array {
  const inside = new Float64Array(columns * rows);
  const size = new Float64Array(columns * rows);
  for (let y = 0; y < crop.height; y++) {
    const row = Math.floor((y * rows) / crop.height) * columns;
    for (let x = 0; x < crop.width; x++) {
      const cell = row + Math.floor((x * columns) / crop.width);
      size[cell]++;
      if (instance.has(crop.x + x, crop.y + y)) inside[cell]++;
    }
  }
  return inside.map((count, cell) => (size[cell] > 0 ? count / size[cell] : 0));
}

function regionsIn(labels: Int32Array): { label: number; cells: number[] }[] {
  const regions: { label: number; cells: number[] }[] = [];
  labels.forEach((label, cell) => {
    regions[label] ??= { label, cells: [] };
    regions[label].cells.push(cell);
  });
  return regions;
}

function boxOf(cells: readonly number[], { crop, width: columns, height: rows }: PatchMap): Crop {
  const xs = cells.map((cell) => cell % columns);
  const ys = cells.map((cell) => Math.floor(cell / columns));
  const x0 = crop.x + Math.floor((Math.min(...xs) * crop.width) / columns);
  const y0 = crop.y + Math.floor((Math.min(...ys) * crop.height) / rows);
  const x1 = crop.x + Math.ceil(((Math.max(...xs) + 1) * crop.width) / columns);
  const y1 = crop.y + Math.ceil(((Math.max(...ys) + 1) * crop.height) / rows);
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}
