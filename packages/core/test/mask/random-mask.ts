import { pseudoRandom } from "@unsam/test-support";
import fc from "fast-check";

/** A mask as plain bytes (0 or 1), row by row: the form brute-force references work on. */
export interface PlainMask {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/** Small masks of all densities and of widths around the word size, noise as well as blobs. */
export const plainMask: fc.Arbitrary<PlainMask> = fc
  .record({
    width: fc.oneof(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 29, max: 35 }),
      fc.integer({ min: 62, max: 66 }),
    ),
    height: fc.integer({ min: 1, max: 24 }),
    density: fc.constantFrom(0, 0.05, 0.3, 0.5, 0.6, 0.8, 0.97, 1),
    block: fc.constantFrom(1, 1, 3),
    seed: fc.integer(),
  })
  .map(({ width, height, density, block, seed }) => {
    const random = pseudoRandom(seed);
    const across = Math.ceil(width / block);
    const cells = Array.from({ length: across * Math.ceil(height / block) }, () =>
      random() < density ? 1 : 0,
    );
    const bytes = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        bytes[y * width + x] = cells[Math.floor(y / block) * across + Math.floor(x / block)];
      }
    }
    return { width, height, bytes };
  });

/** Draws a mask given as lines of text: `#` is foreground. */
export function drawn(...lines: string[]): PlainMask {
  const bytes = Uint8Array.from(lines.join(""), (character) => (character === "#" ? 1 : 0));
  return { width: lines[0].length, height: lines.length, bytes };
}

/** Components by flood fill, as [height, width] of numbers from 1; 0 outside of `value`. */
export function floodFill(
  { width, height, bytes }: PlainMask,
  value: number,
  connectivity: 4 | 8,
): Int32Array {
  const labels = new Int32Array(bytes.length);
  let count = 0;
  for (let seed = 0; seed < bytes.length; seed++) {
    if (bytes[seed] !== value || labels[seed] !== 0) continue;
    labels[seed] = ++count;
    const open = [seed];
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (connectivity === 4 && dx !== 0 && dy !== 0) continue;
          const x: number = (i % width) + dx;
          const y: number = Math.floor(i / width) + dy;
          if (x < 0 || y < 0 || x >= width || y >= height) continue;
          const j = y * width + x;
          if (bytes[j] !== value || labels[j] !== 0) continue;
          labels[j] = count;
          open.push(j);
        }
      }
    }
  }
  return labels;
}

/** Pixels of each label from 1. */
export function areasOf(labels: Int32Array): number[] {
  const areas: number[] = [];
  for (const label of labels) if (label > 0) areas[label - 1] = (areas[label - 1] ?? 0) + 1;
  return areas;
}
