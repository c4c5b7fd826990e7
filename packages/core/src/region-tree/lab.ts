import type { RgbImage } from "../image/index.js";
import { power } from "./elementary.js";

/** CIE L*a*b* (D65) planes: L in 0…100, a and b roughly in −100…100; each [height, width]. */
export interface LabPlanes {
  readonly L: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

const LINEAR = Float64Array.from({ length: 256 }, (_, v) => {
  const c = v / 255;
  return c <= 0.04045 ? c / 12.92 : power((c + 0.055) / 1.055, 2.4);
});

// The CIE function f(t), tabulated: 2^12 steps leave errors far below one unit of L.
const STEPS = 4096;
const CIE = Float64Array.from({ length: STEPS + 2 }, (_, i) => {
  const t = i / STEPS;
  return t > 216 / 24389 ? power(t, 1 / 3) : (t * (24389 / 27) + 16) / 116;
});

function f(t: number): number {
  const at = t * STEPS;
  const i = at | 0;
  return CIE[i] + (at - i) * (CIE[i + 1] - CIE[i]);
}

/** sRGB to CIE Lab (IEC 61966-2-1, D65 white). */
export function labPlanes(image: RgbImage): LabPlanes {
  const { data, width, height } = image;
  const count = width * height;
  const L = new Float32Array(count);
  const a = new Float32Array(count);
  const b = new Float32Array(count);
  for (let i = 0, p = 0; i < count; i++, p += 3) {
    const red = LINEAR[data[p]];
    const green = LINEAR[data[p + 1]];
    const blue = LINEAR[data[p + 2]];
    const fx = f(Math.min(1, (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047));
    const fy = f(Math.min(1, 0.2126729 * red + 0.7151522 * green + 0.072175 * blue));
    const fz = f(Math.min(1, (0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883));
    L[i] = 116 * fy - 16;
    a[i] = 500 * (fx - fy);
    b[i] = 200 * (fy - fz);
  }
  return { L, a, b };
}
