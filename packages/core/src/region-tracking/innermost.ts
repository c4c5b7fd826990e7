import type { Mask } from "../mask/mask.js";
import { signedDistance } from "./evidence.js";

/** The pixel of a mask that is farthest from its border, in the middle of that pixel; null: the mask is empty. */
export function innermost(mask: Mask): { x: number; y: number } | null {
  const { x, y, width, height } = mask.bbox;
  if (width === 0) return null;
  // A rim of what is outside, so that the box's own sides are borders.
  const w = width + 2;
  const inside = new Float32Array(w * (height + 2));
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const word = mask.words[(y + v) * mask.stride + ((x + u) >> 5)];
      inside[(v + 1) * w + u + 1] = (word >>> ((x + u) & 31)) & 1;
    }
  }
  const distance = signedDistance(inside, w, height + 2);
  let best = 0;
  for (let i = 1; i < distance.length; i++) if (distance[i] > distance[best]) best = i;
  return { x: x + (best % w) - 0.5, y: y + Math.floor(best / w) - 0.5 };
}
