import type { Mask } from "@unsam/core/mask";
import type { Dataset, DatasetImage } from "../datasets/dataset.js";
import { readPhoto } from "../datasets/read-photo.js";
import { readTruth } from "../datasets/read-truth.js";
import type { CutOut } from "./made-clip.js";

/** Shares of a photo that a thing to cut out may take. */
const LEAST_SHARE = 0.015;
const MOST_SHARE = 0.15;
/** Share of its box that it fills at least: what is thinner is a rim or a wire. */
const LEAST_FILLED = 0.45;

/** The largest thing of a photo that can be cut out whole: no photo's edge cuts it. null: there is none. */
export function bestCutOut(masks: Iterable<Mask>): Mask | null {
  let best: Mask | null = null;
  for (const mask of masks) {
    const { width, height, area } = mask;
    const { x, y, width: w, height: h } = mask.bbox;
    const share = area / (width * height);
    if (share < LEAST_SHARE || share > MOST_SHARE || area < LEAST_FILLED * w * h) continue;
    if (x < 2 || y < 2 || x + w > width - 2 || y + h > height - 2) continue;
    if (best === null || area > best.area) best = mask;
  }
  return best;
}

/** A photo of a data set, and the best thing that people outlined in it. */
export async function cutOutOf(image: DatasetImage, { voidLabels }: Dataset) {
  const { photo } = await readPhoto(image);
  const { annotations } = await readTruth(image, voidLabels, photo);
  const mask = bestCutOut(annotations.flatMap(({ regions }) => [...regions.values()]));
  const object: CutOut | null = mask && { photo, mask };
  return { photo, object };
}
