import { UnSAMError } from "@unsam/core/errors";
import { Mask } from "@unsam/core/mask";
import { Regions } from "../regions.js";
import type { LabelMap } from "./read-label-map.js";

/** A map of more labels than this holds something else: depths, colours, noise. */
const MOST_LABELS = 2 ** 20;

/** The regions of a label map, by ascending number; 0 and `voidLabels` are none. Throws `E_BAD_FILE`. */
export function labelRegions(labels: LabelMap, voidLabels: readonly number[], file: string): Regions {
  const areas = pixelsOfLabels(labels, file);
  for (const label of [0, ...voidLabels]) areas.delete(label);
  const ascending = new Map([...areas].sort(([a], [b]) => a - b));
  return new Regions(ascending, (region) => maskOfLabel(labels, region));
}

function pixelsOfLabels({ data }: LabelMap, file: string): Map<number, number> {
  const areas = new Map<number, number>();
  // Neighbours mostly have one label: counting runs spares most look-ups.
  for (let i = 0; i < data.length; ) {
    const label = data[i];
    const start = i;
    while (i < data.length && data[i] === label) i++;
    areas.set(label, (areas.get(label) ?? 0) + i - start);
    if (areas.size > MOST_LABELS) {
      throw new UnSAMError("E_BAD_FILE", `${file} is no label map: it has more than ${MOST_LABELS} labels.`);
    }
  }
  return areas;
}

function maskOfLabel({ width, height, data }: LabelMap, label: number): Mask {
  const stride = Math.ceil(width / 32);
  const words = new Uint32Array(stride * height);
  for (let i = data.indexOf(label); i >= 0; i = data.indexOf(label, i + 1)) {
    const y = Math.floor(i / width);
    const x = i - y * width;
    words[y * stride + (x >> 5)] |= 1 << (x & 31);
  }
  return new Mask(width, height, words);
}

/** Labels that usually mean "do not count": the highest of 8 or 16 bits, and -1. */
const USUAL_VOID = [255, 65535, -1, 4294967295];

/**
 * Labels of a map that look like void though they count: one of the usual, beside other labels that do not come near it
 * (a map of 300 instances has a 254, too), and not alone (a map of 0 and 255 is a single mask).
 */
export function labelsLikeVoid(regions: Regions): number[] {
  return USUAL_VOID.filter(
    (label) => regions.size > 1 && regions.areaOf(label) > 0 && regions.areaOf(label - 1) === 0,
  );
}
