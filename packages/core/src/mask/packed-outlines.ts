import { setRun, wordsPerRow } from "./bits.js";
import { type PackedMask, PackedRows } from "./packed.js";
import { type Polygon, type PolygonPoint, tracePolygons } from "./polygons.js";
import type { RLE } from "./rle.js";
import { encodeCounts } from "./rle-string.js";

// What is written of masks, from their packed form: of a mask of a large image, only the box is looked at.

/** `Mask.toRLE` of a packed mask, without its bits. */
export function packedRLE(mask: PackedMask): RLE & { readonly counts: string } {
  const { width, height } = mask;
  const changes = columnMajorChanges(mask);
  const counts: number[] = [];
  let last = 0;
  for (let i = 0; i < changes.length; i++) {
    // The foot of one column is the head of the next: where both are foreground, the run goes on.
    if (i + 1 < changes.length && changes[i] === changes[i + 1]) {
      i++;
      continue;
    }
    counts.push(changes[i] - last);
    last = changes[i];
  }
  // Where the last pixel is foreground, its run is the last one.
  if (last < width * height) counts.push(width * height - last);
  return { size: [height, width], counts: encodeCounts(counts) };
}

/**
 * Indices x·height + y at which a column's pixels change, each column beginning and ending with background. A row differs
 * from the one above it between every other of the crossings that only one of both has.
 */
function columnMajorChanges(mask: PackedMask): Float64Array {
  const { height, area, box } = mask;
  if (area === 0) return new Float64Array(0);
  const left = box[0];
  const next = new Int32Array(box[2] - left + 2);
  eachChange(mask, (_, x0, x1) => {
    for (let x = x0; x < x1; x++) next[x - left + 1]++;
  });
  for (let x = 1; x < next.length; x++) next[x] += next[x - 1];
  const changes = new Float64Array(next[next.length - 1]);
  eachChange(mask, (y, x0, x1) => {
    for (let x = x0; x < x1; x++) changes[next[x - left]++] = x * height + y;
  });
  return changes;
}

/** Calls back for the columns x0 ≤ x < x1 in which row y differs from the row above; behind the last row everything ends. */
function eachChange(mask: PackedMask, changed: (y: number, x0: number, x1: number) => void): void {
  const rows = new PackedRows(mask);
  let above = new Int32Array(8);
  let aboveCount = 0;
  for (let y = mask.box[1]; y <= mask.box[3] + 1; y++) {
    const count = rows.next() ? rows.count : 0;
    const { crossings } = rows;
    let start = -1;
    for (let i = 0, j = 0; i < count || j < aboveCount; ) {
      const here = i < count ? crossings[i] : Number.POSITIVE_INFINITY;
      const there = j < aboveCount ? above[j] : Number.POSITIVE_INFINITY;
      const x = Math.min(here, there);
      if (here === x) i++;
      if (there === x) j++;
      if (here === there) continue;
      if (start < 0) start = x;
      else {
        changed(y, start, x);
        start = -1;
      }
    }
    if (count > above.length) above = new Int32Array(2 * count);
    for (let i = 0; i < count; i++) above[i] = crossings[i];
    aboveCount = count;
  }
}

/** `Mask.toPolygons` of a packed mask, from the bits of its box alone. */
export function packedPolygons(mask: PackedMask): Polygon[] {
  const { area, box } = mask;
  if (area === 0) return [];
  const [left, top, right, bottom] = box;
  const width = right - left + 1;
  const stride = wordsPerRow(width);
  const words = new Uint32Array(stride * (bottom - top + 1));
  const rows = new PackedRows(mask);
  while (rows.next()) {
    const { crossings, count } = rows;
    for (let i = 0; i < count; i += 2) {
      setRun(words, (rows.y - top) * stride, crossings[i] - left, crossings[i + 1] - left);
    }
  }
  const moved = (ring: readonly PolygonPoint[]) => ring.map(([x, y]): PolygonPoint => [x + left, y + top]);
  return tracePolygons(words, width, bottom - top + 1).map(({ outer, holes }) => ({
    outer: moved(outer),
    holes: holes.map(moved),
  }));
}
