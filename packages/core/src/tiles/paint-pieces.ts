import { type MaskRow, type PackedMask, PackedRows, packRows } from "../mask/index.js";
import { type Size, type TileBox, type TileLevel, tileCore } from "./tile-grid.js";
import type { PlacedMask } from "./tile-mask.js";

/**
 * The mask of several pieces: where a tile answers for a place, its piece says what is there; where no piece's tile does,
 * any piece does.
 */
export function paintPieces(pieces: readonly PlacedMask[], level: TileLevel): PackedMask {
  const { width, height } = level;
  const cores = pieces.map(({ tile }) => tileCore(level, tile));
  return packRows(() => paintedRows(pieces, cores), width, height);
}

function* paintedRows(pieces: readonly PlacedMask[], cores: readonly TileBox[]): Generator<MaskRow> {
  const walks = pieces.map(({ mask }) => new PackedRows(mask));
  const top = Math.min(...pieces.map(({ mask }) => mask.box[1]));
  const bottom = Math.max(...pieces.map(({ mask }) => mask.box[3]));
  for (let y = top; y <= bottom; y++) {
    const here = walks.filter((rows) => {
      while (rows.y < y) if (!rows.next()) return false;
      return rows.y === y;
    });
    const runs: [number, number][] = [];
    for (const rows of here) {
      const own = cores[walks.indexOf(rows)];
      // What other tiles answer for in this row is theirs.
      const others = cores.filter((core) => core !== own && core[1] <= y && y < core[3]);
      for (let i = 0; i < rows.count; i += 2) {
        runs.push(...without([rows.crossings[i], rows.crossings[i + 1]], others));
      }
    }
    const crossings = united(runs);
    yield { y, crossings, count: crossings.length };
  }
}

/** What is left of a run beside the columns of some boxes. */
function without(run: [number, number], boxes: readonly TileBox[]): [number, number][] {
  let left = [run];
  for (const [x0, , x1] of boxes) {
    left = left.flatMap(([a, b]) =>
      (
        [
          [a, Math.min(b, x0)],
          [Math.max(a, x1), b],
        ] as [number, number][]
      ).filter(([from, to]) => from < to),
    );
  }
  return left;
}

/** The crossings of runs that may touch and overlap. */
function united(runs: [number, number][]): Int32Array {
  runs.sort((a, b) => a[0] - b[0]);
  const crossings: number[] = [];
  for (const [start, end] of runs) {
    const last = crossings.length - 1;
    if (last > 0 && start <= crossings[last]) crossings[last] = Math.max(crossings[last], end);
    else crossings.push(start, end);
  }
  return Int32Array.from(crossings);
}

/**
 * A mask of a shrunk image at the image's own size: each pixel takes the one of the shrunk image that covers its centre,
 * so outlines have steps of as many pixels as it was shrunk by.
 */
export function enlarged(mask: PackedMask, { width, height }: Size): PackedMask {
  if (mask.width === width && mask.height === height) return mask;
  return packRows(() => enlargedRows(mask, { width, height }), width, height);
}

function* enlargedRows(mask: PackedMask, { width, height }: Size): Generator<MaskRow> {
  const place = (at: number, from: number, to: number) => Math.round((at * to) / from);
  const rows = new PackedRows(mask);
  let crossings = new Int32Array(8);
  while (rows.next()) {
    if (rows.count > crossings.length) crossings = new Int32Array(2 * rows.count);
    for (let i = 0; i < rows.count; i++) crossings[i] = place(rows.crossings[i], mask.width, width);
    const end = place(rows.y + 1, mask.height, height);
    for (let y = place(rows.y, mask.height, height); y < end; y++) yield { y, crossings, count: rows.count };
  }
}
