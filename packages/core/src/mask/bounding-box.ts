import { lowestBit, wordsPerRow } from "./bits.js";

/** The smallest rectangle that holds all pixels of a mask, in pixels; width and height are 0 for an empty mask. */
export interface BoundingBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function boundingBox(width: number, height: number, words: Uint32Array): BoundingBox {
  const stride = wordsPerRow(width);
  const columns = new Uint32Array(stride);
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    let any = 0;
    for (let k = 0; k < stride; k++) {
      const word = words[y * stride + k];
      any |= word;
      columns[k] |= word;
    }
    if (any === 0) continue;
    if (top < 0) top = y;
    bottom = y;
  }
  if (top < 0) return { x: 0, y: 0, width: 0, height: 0 };
  const first = columns.findIndex((word) => word !== 0);
  const last = columns.findLastIndex((word) => word !== 0);
  const left = first * 32 + lowestBit(columns[first]);
  const right = last * 32 + 31 - Math.clz32(columns[last]);
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
