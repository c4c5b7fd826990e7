import { type PackedMask, PackedRows } from "../mask/index.js";
import type { TileBox } from "./tile-grid.js";

/** Intersection over union of what two masks of one size have in a box; 0 where one has nothing there. */
export function iouInBox(a: PackedMask, b: PackedMask, [x0, y0, x1, y1]: TileBox): number {
  const rowsA = new PackedRows(a);
  const rowsB = new PackedRows(b);
  let common = 0;
  let areaA = 0;
  let areaB = 0;
  for (let y = y0; y < y1; y++) {
    const hasA = goTo(rowsA, y);
    const hasB = goTo(rowsB, y);
    if (hasA) areaA += areaBetween(rowsA, x0, x1);
    if (hasB) areaB += areaBetween(rowsB, x0, x1);
    if (hasA && hasB) common += commonBetween(rowsA, rowsB, x0, x1);
  }
  return areaA === 0 || areaB === 0 ? 0 : common / (areaA + areaB - common);
}

/** Walks on to row y; false where the mask has no such row. */
function goTo(rows: PackedRows, y: number): boolean {
  while (rows.y < y) if (!rows.next()) return false;
  return rows.y === y;
}

function areaBetween({ crossings, count }: PackedRows, x0: number, x1: number): number {
  let area = 0;
  for (let i = 0; i < count; i += 2) {
    area += Math.max(0, Math.min(x1, crossings[i + 1]) - Math.max(x0, crossings[i]));
  }
  return area;
}

function commonBetween(a: PackedRows, b: PackedRows, x0: number, x1: number): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.count && j < b.count; ) {
    const end = Math.min(a.crossings[i + 1], b.crossings[j + 1]);
    const start = Math.max(a.crossings[i], b.crossings[j]);
    common += Math.max(0, Math.min(x1, end) - Math.max(x0, start));
    if (a.crossings[i + 1] === end) i += 2;
    if (b.crossings[j + 1] === end) j += 2;
  }
  return common;
}
