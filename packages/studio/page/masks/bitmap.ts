import { readCounts } from "./rle.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A mask as it is drawn: its box of pixels, one byte each; of large photos every `step`th pixel of every `step`th row. */
export interface Bitmap {
  readonly step: number;
  /** The box in sampled pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** [height, width], 1 inside the mask. */
  readonly pixels: Uint8Array;
}

/** So many pixels are drawn at most; masks that are exported are never sampled. */
const MOST_DRAWN = 4_000_000;

/** Every how many pixels one is drawn. */
export function stepFor({ width, height }: Size, most = MOST_DRAWN): number {
  return Math.max(1, Math.ceil(Math.sqrt((width * height) / most)));
}

export function sampled(length: number, step: number): number {
  return Math.ceil(length / step);
}

/** Draws run lengths of a photo of `size` into the mask's box. */
export function bitmapOf(
  counts: string,
  bbox: Size & { readonly x: number; readonly y: number },
  size: Size,
  step: number,
): Bitmap {
  const x = Math.floor(bbox.x / step);
  const y = Math.floor(bbox.y / step);
  const width = Math.min(sampled(size.width, step), sampled(bbox.x + bbox.width, step)) - x;
  const height = Math.min(sampled(size.height, step), sampled(bbox.y + bbox.height, step)) - y;
  const bitmap = { step, x, y, width, height, pixels: new Uint8Array(Math.max(0, width * height)) };
  eachRun(counts, size, step, (column, from, until) => {
    for (let row = from; row < until; row++) bitmap.pixels[(row - y) * width + column - x] = 1;
  });
  return bitmap;
}

/** Calls back for each run of a sampled column: the column, the first row and the one behind the last, in sampled pixels. */
export function eachRun(
  counts: string,
  { height }: Size,
  step: number,
  run: (column: number, from: number, until: number) => void,
): void {
  let at = 0;
  let inside = false;
  for (const count of readCounts(counts)) {
    if (inside) {
      const end = at + count;
      for (let x = Math.floor(at / height); x * height < end; x++) {
        if (x % step !== 0) continue;
        const from = Math.max(0, at - x * height);
        const until = Math.min(height, end - x * height);
        run(x / step, Math.ceil(from / step), Math.ceil(until / step));
      }
    }
    at += count;
    inside = !inside;
  }
}

/** Whether a point of the photo lies in the mask. */
export function holds({ step, x, y, width, height, pixels }: Bitmap, px: number, py: number): boolean {
  const column = Math.floor(px / step) - x;
  const row = Math.floor(py / step) - y;
  return column >= 0 && row >= 0 && column < width && row < height && pixels[row * width + column] === 1;
}

/**
 * Borders of the mask along pixel edges, as straight lines [x0, y0, x1, y1] in sampled pixels of the photo, in no order: enough
 * to draw them.
 */
export function edgesOf({ x, y, width, height, pixels }: Bitmap): Int32Array {
  const lines: number[] = [];
  const inside = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < width && row < height ? pixels[row * width + column] : 0;
  for (let row = 0; row <= height; row++) {
    let start = -1;
    for (let column = 0; column <= width; column++) {
      const isEdge = column < width && inside(column, row - 1) !== inside(column, row);
      if (isEdge && start < 0) start = column;
      if (isEdge || start < 0) continue;
      lines.push(x + start, y + row, x + column, y + row);
      start = -1;
    }
  }
  for (let column = 0; column <= width; column++) {
    let start = -1;
    for (let row = 0; row <= height; row++) {
      const isEdge = row < height && inside(column - 1, row) !== inside(column, row);
      if (isEdge && start < 0) start = row;
      if (isEdge || start < 0) continue;
      lines.push(x + column, y + start, x + column, y + row);
      start = -1;
    }
  }
  return Int32Array.from(lines);
}
