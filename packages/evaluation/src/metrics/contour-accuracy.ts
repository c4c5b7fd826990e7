import type { Mask } from "@unsam/core/mask";

/** How far a contour may be off, as a share of the image's diagonal (DAVIS). */
export const CONTOUR_TOLERANCE = 0.008;

/**
 * F of two masks' contours (Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR
 * 2016): the harmonic mean of the shares of either contour's pixels that lie within a disk around a pixel of the other. Its
 * radius is 0.8 % of the diagonal, rounded up to whole pixels. 1 where neither mask has a contour, 0 where one has none.
 */
export function contourAccuracy(predicted: Mask, wanted: Mask): number {
  const { width, height } = wanted;
  const radius = Math.ceil(CONTOUR_TOLERANCE * Math.hypot(width, height));
  const own = contour(predicted);
  const other = contour(wanted);
  const ownCount = count(own);
  const otherCount = count(other);
  if (ownCount === 0 && otherCount === 0) return 1;
  if (ownCount === 0 || otherCount === 0) return 0;
  const precision = common(own, dilated(other, width, height, radius)) / ownCount;
  const recall = common(other, dilated(own, width, height, radius)) / otherCount;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/**
 * The contour of a mask, one or two pixels wide, [height, width]: a pixel that differs from its right, lower or lower right
 * neighbour, not thinned. Where the image ends, only neighbours along its edge count, and its last pixel is none.
 */
export function contour(mask: Mask): Uint8Array {
  const { width, height } = mask;
  const inside = mask.toBytes();
  const out = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const hasRight = x + 1 < width;
      const hasBelow = y + 1 < height;
      const differs =
        (hasRight && inside[i] !== inside[i + 1]) ||
        (hasBelow && inside[i] !== inside[i + width]) ||
        (hasRight && hasBelow && inside[i] !== inside[i + width + 1]);
      out[i] = differs ? 1 : 0;
    }
  }
  return out;
}

/** All pixels within a disk (x² + y² ≤ r²) around a pixel of the map. The work grows with the pixels that are set: contours are thin. */
export function dilated(map: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const out = new Uint8Array(width * height);
  const reaches = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.floor(Math.sqrt(radius * radius - (k - radius) ** 2)),
  );
  for (let i = map.indexOf(1); i >= 0; i = map.indexOf(1, i + 1)) {
    const x = i % width;
    const y = (i - x) / width;
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      const reach = reaches[v - y + radius];
      const end = v * width + Math.min(width - 1, x + reach);
      for (let k = v * width + Math.max(0, x - reach); k <= end; k++) out[k] = 1;
    }
  }
  return out;
}

function count(map: Uint8Array): number {
  let sum = 0;
  for (const value of map) sum += value;
  return sum;
}

function common(one: Uint8Array, other: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] & other[i];
  return sum;
}
