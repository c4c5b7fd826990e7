import { upsampleLogits } from "../mask/bilinear.js";
import { wordsPerRow } from "../mask/bits.js";

/**
 * Masks of several objects at the size of the video, of which each pixel belongs to one at most: that with the largest logit,
 * the first among equals. `maps`: [side, side] each. Bit-packed in the layout of `Mask`.
 */
export function masksWithoutOverlap(
  maps: readonly Float32Array[],
  side: number,
  { width, height }: { readonly width: number; readonly height: number },
): Uint32Array[] {
  const best = new Float32Array(width * height);
  const owner = new Int32Array(width * height).fill(-1);
  maps.forEach((logits, object) => {
    const full = upsampleLogits(logits, side, width, height);
    for (let i = 0; i < full.length; i++) {
      // A pixel that is above 0 for nobody belongs to nobody.
      if (full[i] > best[i]) {
        best[i] = full[i];
        owner[i] = object;
      }
    }
  });
  const stride = wordsPerRow(width);
  const masks = maps.map(() => new Uint32Array(stride * height));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const object = owner[y * width + x];
      if (object >= 0) masks[object][y * stride + (x >> 5)] |= 1 << (x & 31);
    }
  }
  return masks;
}
