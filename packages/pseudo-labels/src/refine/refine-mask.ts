import type { RgbImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import { guidedFilter } from "./guided-filter.js";

/** Variance of lightness (0…1) below which the image has no say in where a border runs. */
const EPSILON = 1e-3;
/** A refined mask of this IoU of its bounds is stable; thresholds of the soft mask. */
const LOOSE = 0.4;
const MIDDLE = 0.5;
const TIGHT = 0.6;

/** A window of the image, in pixels. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A coarse mask, given as `inside(x, y)` for the pixels of a crop of the image, with its border moved to the edges of
 * the image within `radius` pixels. Returns it at image size, and its stability: the IoU of the soft mask above 0.6
 * and above 0.4.
 */
export function refineMask(
  image: RgbImage,
  crop: Crop,
  inside: (x: number, y: number) => boolean,
  radius: number,
): { mask: Mask; stability: number } {
  const count = crop.width * crop.height;
  const input = new Float32Array(count);
  const guide = new Float32Array(count);
  for (let y = 0, i = 0; y < crop.height; y++) {
    for (let x = 0; x < crop.width; x++, i++) {
      const p = ((crop.y + y) * image.width + crop.x + x) * 3;
      // Rec. 601 luma; as a guide it only has to show the edges.
      guide[i] = (0.299 * image.data[p] + 0.587 * image.data[p + 1] + 0.114 * image.data[p + 2]) / 255;
      input[i] = inside(crop.x + x, crop.y + y) ? 1 : 0;
    }
  }
  const soft = guidedFilter(input, guide, crop.width, crop.height, { radius, epsilon: EPSILON });
  const stride = Math.ceil(image.width / 32);
  const words = new Uint32Array(stride * image.height);
  let loose = 0;
  let tight = 0;
  for (let y = 0, i = 0; y < crop.height; y++) {
    const row = (crop.y + y) * stride;
    for (let x = 0; x < crop.width; x++, i++) {
      if (soft[i] > LOOSE) loose++;
      if (soft[i] > TIGHT) tight++;
      if (soft[i] > MIDDLE) words[row + ((crop.x + x) >> 5)] |= 1 << ((crop.x + x) & 31);
    }
  }
  return { mask: new Mask(image.width, image.height, words), stability: loose > 0 ? tight / loose : 0 };
}

/** The box of a mask with a margin, cut at the edge of the image. */
export function cropAround(box: Crop, margin: number, width: number, height: number): Crop {
  const x = Math.max(0, box.x - margin);
  const y = Math.max(0, box.y - margin);
  return {
    x,
    y,
    width: Math.min(width, box.x + box.width + margin) - x,
    height: Math.min(height, box.y + box.height + margin) - y,
  };
}
