import { nextClear, nextSet, wordsPerRow } from "./bits.js";
import type { BoundingBox } from "./bounding-box.js";

/** Signed distances for a window of the image. */
export interface EdgeDistance {
  readonly x0: number;
  readonly y0: number;
  readonly w: number;
  readonly h: number;
  /** [h, w] pixels from the mask's edge, positive inside; exact enough for drawing, cut off far from the edge. */
  readonly distance: Float32Array;
}

/** Values of the blurred mask are looked up in this many steps. */
const STEPS = 1024;

/**
 * The distance of pixel centres to the smoothed edge of a mask, where it matters for a line `line` pixels wide: the
 * mask is blurred by nearly a Gaussian (three box filters), and a straight edge has the normal distribution's profile
 * then, so the distance is its inverse. This rounds off the staircase of the pixels, which an exact distance keeps.
 */
export function edgeDistance(
  words: Uint32Array,
  width: number,
  height: number,
  box: BoundingBox,
  line: number,
): EdgeDistance {
  const radius = Math.max(1, Math.round(line * 0.45));
  const sigma = Math.sqrt(((2 * radius + 1) ** 2 - 1) / 4);
  const margin = Math.ceil(line * 2) + 3 * radius + 1;
  const x0 = Math.max(0, box.x - margin);
  const y0 = Math.max(0, box.y - margin);
  const w = Math.min(width, box.x + box.width + margin) - x0;
  const h = Math.min(height, box.y + box.height + margin) - y0;
  const inside = cut(words, width, x0, y0, w, h);

  let values = Float32Array.from(inside);
  let spare = new Float32Array(w * h);
  for (let pass = 0; pass < 3; pass++) {
    for (let y = 0; y < h; y++) blurLine(values, spare, y * w, 1, w, radius);
    for (let x = 0; x < w; x++) blurLine(spare, values, x, w, h, radius);
  }
  const table = Float32Array.from({ length: STEPS + 1 }, (_, i) => sigma * inverseNormal(i / STEPS));
  spare = values;
  values = new Float32Array(w * h);
  for (let i = 0; i < values.length; i++) {
    const distance = table[Math.round(Math.min(1, Math.max(0, spare[i])) * STEPS)];
    // Lines thinner than the blur would vanish: pixels of the mask count as being at its edge at least.
    values[i] = inside[i] === 1 ? Math.max(distance, -0.3) : distance;
  }
  return { x0, y0, w, h, distance: values };
}

function cut(words: Uint32Array, width: number, x0: number, y0: number, w: number, h: number): Uint8Array {
  const stride = wordsPerRow(width);
  const bytes = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const row = (y0 + y) * stride;
    for (let x = nextSet(words, row, x0, x0 + w); x < x0 + w; ) {
      const end = Math.min(nextClear(words, row, x, x0 + w), x0 + w);
      bytes.fill(1, y * w + x - x0, y * w + end - x0);
      x = nextSet(words, row, end, x0 + w);
    }
  }
  return bytes;
}

/** Running mean over 2·radius + 1 values, the ends repeated: a mask goes on beyond the image's border. */
function blurLine(
  from: Float32Array,
  to: Float32Array,
  start: number,
  step: number,
  count: number,
  radius: number,
): void {
  const scale = 1 / (2 * radius + 1);
  const last = start + (count - 1) * step;
  let sum = from[start] * (radius + 1);
  for (let k = 1; k <= radius; k++) sum += from[Math.min(start + k * step, last)];
  for (let k = 0; k < count; k++) {
    to[start + k * step] = sum * scale;
    sum += from[Math.min(start + (k + radius + 1) * step, last)];
    sum -= from[Math.max(start + (k - radius) * step, start)];
  }
}

/** x with Φ(x) = p, by bisection; ±4 beyond. */
function inverseNormal(p: number): number {
  let low = -4;
  let high = 4;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (normal(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The normal distribution function by the series of Marsaglia (2004): Φ(x) = ½ + φ(x)(x + x³/3 + x⁵/(3·5) + …). */
function normal(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-12; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
