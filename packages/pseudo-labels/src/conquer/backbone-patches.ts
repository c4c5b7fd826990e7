import type { Mask } from "@unsam/core/mask";
import type { PatchFeatures } from "@unsam/core/patch-merge";
import { type Crop, cropAround } from "../refine/refine-mask.js";
import type { PatchMap } from "./parts.js";

/** Features of a backbone as one map: [channels, rows, columns] to patches, pooled so that a side has at most `most`. */
export function patchMap(
  { data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] },
  most = Number.POSITIVE_INFINITY,
): PatchFeatures {
  const [channels, rows, columns] = shape;
  const pool = Math.max(1, Math.ceil(Math.max(rows, columns) / most));
  const [height, width] = [Math.ceil(rows / pool), Math.ceil(columns / pool)];
  const pooled = new Float32Array(height * width * channels);
  for (let k = 0; k < channels; k++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const patch = Math.floor(y / pool) * width + Math.floor(x / pool);
        pooled[patch * channels + k] += data[(k * rows + y) * columns + x];
      }
    }
  }
  // A sum where a mean is meant: only directions count, and cells at the edge that hold fewer patches point alike.
  return { height, width, channels, data: pooled };
}

/** The patches of a map over the whole image that lie in the box of an instance. */
export function patchesAround(
  map: PatchFeatures,
  instance: Mask,
  image: { width: number; height: number },
): PatchMap {
  const box = cropAround(instance.bbox, 0, image.width, image.height);
  const x0 = Math.floor((box.x * map.width) / image.width);
  const y0 = Math.floor((box.y * map.height) / image.height);
  const x1 = Math.min(map.width, Math.ceil(((box.x + box.width) * map.width) / image.width));
  const y1 = Math.min(map.height, Math.ceil(((box.y + box.height) * map.height) / image.height));
  const [width, height] = [x1 - x0, y1 - y0];
  const data = new Float32Array(width * height * map.channels);
  for (let y = 0; y < height; y++) {
    const from = ((y0 + y) * map.width + x0) * map.channels;
    data.set(map.data.subarray(from, from + width * map.channels), y * width * map.channels);
  }
  return { width, height, channels: map.channels, data, crop: cropOf(map, image, x0, y0, x1, y1) };
}

/** The pixels that the patches x0 … x1, y0 … y1 cover. */
export function cropOf(
  map: PatchFeatures,
  image: { width: number; height: number },
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): Crop {
  const left = Math.floor((x0 * image.width) / map.width);
  const top = Math.floor((y0 * image.height) / map.height);
  return {
    x: left,
    y: top,
    width: Math.min(image.width, Math.ceil((x1 * image.width) / map.width)) - left,
    height: Math.min(image.height, Math.ceil((y1 * image.height) / map.height)) - top,
  };
}
