import type { RgbImage } from "@unsam/core/image";
import type { Mask } from "@unsam/core/mask";
import {
  addPixel,
  CHANNELS,
  type Channels,
  channelsOf,
  labPlanes,
  toneMapped,
} from "@unsam/core/region-tree";
import { cropAround } from "../refine/refine-mask.js";
import type { PatchMap } from "./parts.js";

/** Patches along the longer side of the crop around an instance. */
const PATCHES = 32;
/** Smaller patches hold too few pixels to have a histogram. */
const LEAST_SIDE = 4;

/** The histograms of colour and texture that the region tree compares, of every pixel of an image. */
export function appearanceOf(image: RgbImage): Channels {
  return channelsOf(toneMapped(labPlanes(image)), image.width, image.height);
}

/** Mean histograms of the patches of the crop around an instance. */
export function colourPatches(appearance: Channels, instance: Mask): PatchMap {
  const { width, height } = appearance;
  const crop = cropAround(instance.bbox, 0, width, height);
  const side = Math.max(LEAST_SIDE, Math.ceil(Math.max(crop.width, crop.height) / PATCHES));
  const columns = Math.max(1, Math.round(crop.width / side));
  const rows = Math.max(1, Math.round(crop.height / side));
  const sums = new Float64Array(columns * rows * CHANNELS);
  const sizes = new Float64Array(columns * rows);
  for (let y = 0; y < crop.height; y++) {
    const row = Math.floor((y * rows) / crop.height) * columns;
    for (let x = 0; x < crop.width; x++) {
      const patch = row + Math.floor((x * columns) / crop.width);
      sizes[patch]++;
      addPixel(appearance, (crop.y + y) * width + crop.x + x, 1, sums, patch * CHANNELS);
    }
  }
  const data = Float32Array.from(sums, (sum, i) => sum / sizes[Math.floor(i / CHANNELS)]);
  return { width: columns, height: rows, channels: CHANNELS, data, crop };
}
