import { normalOf, pseudoRandom } from "@unsam/test-support";
/** Random numbers of several kinds from a seed. */
export class Random {
  /** Uniform in [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = pseudoRandom(seed);
  }

  /** Whole number, low ≤ n ≤ high. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** Normal with mean 0 and standard deviation 1 (Box–Muller). */
  normal(): number {
    return normalOf(this.next);
  }
}

/** Logit maps [count, height, width] of random rectangles and discs: ±4 with noise, some values exactly on thresholds. */
export function randomLogits(random: Random, count: number, height: number, width: number): Float32Array {
  const data = new Float32Array(count * height * width);
  for (let k = 0, i = 0; k < count; k++) {
    const x0 = random.int(-3, width - 1);
    const y0 = random.int(-3, height - 1);
    const x1 = x0 + random.int(0, width);
    const y1 = y0 + random.int(0, height);
    const empty = random.next() < 0.1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const inside = x >= x0 && x <= x1 && y >= y0 && y <= y1 && !empty;
        data[i] = (inside ? 2 : -2) + (empty ? 0 : random.normal());
        if (random.next() < 0.02) data[i] = random.int(-1, 1);
      }
    }
  }
  return data;
}

/** Whether pixel (x, y) of packed mask k is set. */
export function isSet(
  { width, height, words }: { width: number; height: number; words: Uint32Array },
  k: number,
  x: number,
  y: number,
): boolean {
  const stride = Math.ceil(width / 32);
  return ((words[(k * height + y) * stride + (x >> 5)] >>> (x & 31)) & 1) === 1;
}
