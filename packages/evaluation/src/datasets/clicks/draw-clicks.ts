import { innermostPixel } from "../../metrics/distance-transform.js";
import { randomNumbers, seedFor } from "../../random.js";
import type { Click } from "../dataset.js";
import type { Truth } from "../read-truth.js";

/** At most this many regions of an image are clicked, all annotators together. */
const CLICKS_PER_IMAGE = 5;
/** Smaller regions are not clicked: share of the image. */
const SMALLEST_SHARE = 0.001;

/**
 * Clicks for an image that comes with none, by the rule of the fixed lists: up to five regions of at least 0.1 % of
 * the image, drawn with a seed, each clicked at the pixel farthest from its border (the image's border counts).
 */
export function drawClicks(truth: Truth, image: string, seed: number): Click[] {
  const random = randomNumbers(seedFor(seed, image));
  const smallest = SMALLEST_SHARE * truth.width * truth.height;
  const open = truth.annotations.flatMap(({ annotator, regions }) =>
    regions
      .keys()
      .filter((region) => regions.areaOf(region) >= smallest)
      .map((region) => ({ annotator, region, regions })),
  );
  const clicks: Click[] = [];
  while (clicks.length < CLICKS_PER_IMAGE && open.length > 0) {
    const [{ annotator, region, regions }] = open.splice(Math.floor(random() * open.length), 1);
    const pixel = innermostPixel(regions.get(region)!);
    if (pixel) clicks.push({ image, annotator, region, x: pixel.x, y: pixel.y });
  }
  return clicks.sort((a, b) => a.annotator - b.annotator || a.region - b.region);
}
