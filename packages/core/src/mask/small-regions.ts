import { invert, setRun, wordsPerRow } from "./bits.js";
import { type Components, type Connectivity, findComponents } from "./components.js";

/** Which regions to remove: holes in the foreground, or islands of foreground. */
export type SmallRegions = "holes" | "islands";

/**
 * Fills the holes, or removes the islands, of less than `minArea` pixels, as in the official automatic generator:
 * a hole is any connected background, also where it touches the image border; if all islands are small, the
 * largest one (the first of equals) stays. Returns new words.
 */
export function removeSmallRegions(
  words: Uint32Array,
  width: number,
  height: number,
  which: SmallRegions,
  minArea: number,
  connectivity: Connectivity = 8,
): Uint32Array {
  const stride = wordsPerRow(width);
  if (which === "holes") {
    const filled = words.slice();
    const holes = findComponents(invert(width, words), width, height, connectivity);
    paint(filled, stride, holes, (hole) => holes.areas[hole] < minArea);
    return filled;
  }
  const islands = findComponents(words, width, height, connectivity);
  const largest = islands.areas.indexOf(islands.areas.reduce((a, b) => Math.max(a, b), 0));
  const kept = new Uint32Array(words.length);
  const anyLarge = islands.areas[largest] >= minArea;
  paint(kept, stride, islands, (i) => (anyLarge ? islands.areas[i] >= minArea : i === largest));
  return kept;
}

/** Sets the pixels of the chosen components. */
function paint(
  words: Uint32Array,
  stride: number,
  { runs, ofRun }: Components,
  chosen: (component: number) => boolean,
): void {
  for (let y = 0; y + 1 < runs.rowStart.length; y++) {
    for (let run = runs.rowStart[y]; run < runs.rowStart[y + 1]; run++) {
      if (chosen(ofRun[run])) setRun(words, y * stride, runs.start[run], runs.end[run]);
    }
  }
}
