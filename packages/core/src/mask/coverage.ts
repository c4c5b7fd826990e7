import { areaCoverage } from "../image/area-average.js";
import type { Mask } from "./mask.js";

/** The share of each of `side` × `side` equal cells over the image that a mask covers, in [0, 1], row-major. */
export function cellCoverage(mask: Mask, side: number): Float32Array {
  const { width, height, words, stride } = mask;
  const rows = areaCoverage(height, side);
  const columns = areaCoverage(width, side);
  const shares = new Float32Array(side * side);
  const sum = new Float32Array(width);
  const { x: left, width: across } = mask.bbox;
  const [firstWord, endWord] = [left >> 5, (left + across + 31) >> 5];
  for (let y = 0; y < side; y++) {
    let touched = false;
    for (let k = rows.start[y]; k < rows.start[y + 1]; k++) {
      const row = rows.source[k] * stride;
      const weight = rows.weight[k];
      for (let word = firstWord; word < endWord; word++) {
        const bits = words[row + word];
        if (bits === 0) continue;
        if (!touched) sum.fill(0, 32 * firstWord, 32 * endWord);
        touched = true;
        const end = Math.min(width, 32 * word + 32);
        for (let x = 32 * word; x < end; x++) if ((bits >>> (x & 31)) & 1) sum[x] += weight;
      }
    }
    if (!touched) continue;
    for (let x = 0; x < side; x++) {
      // A cell beyond the columns with pixels keeps its 0: the sums there are not those of this row.
      const start = columns.start[x];
      const end = columns.start[x + 1];
      if (start === end || columns.source[end - 1] < 32 * firstWord || columns.source[start] >= 32 * endWord)
        continue;
      let share = 0;
      for (let k = start; k < end; k++) share += columns.weight[k] * sum[columns.source[k]];
      shares[y * side + x] = share;
    }
  }
  return shares;
}
