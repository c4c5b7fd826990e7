import { areaCoverage } from "../image/area-average.js";
import type { Mask } from "./mask.js";

/** The share of each of `side` × `side` equal cells over the image that a mask covers, in [0, 1], row-major. */
export function cellCoverage({ width, height, words, stride }: Mask, side: number): Float32Array {
  const rows = areaCoverage(height, side);
  const columns = areaCoverage(width, side);
  const shares = new Float32Array(side * side);
  const sum = new Float32Array(width);
  for (let y = 0; y < side; y++) {
    sum.fill(0);
    for (let k = rows.start[y]; k < rows.start[y + 1]; k++) {
      const row = rows.source[k] * stride;
      const weight = rows.weight[k];
      for (let x = 0; x < width; x++) if ((words[row + (x >> 5)] >>> (x & 31)) & 1) sum[x] += weight;
    }
    for (let x = 0; x < side; x++) {
      let share = 0;
      for (let k = columns.start[x]; k < columns.start[x + 1]; k++) {
        share += columns.weight[k] * sum[columns.source[k]];
      }
      shares[y * side + x] = share;
    }
  }
  return shares;
}
