import type { Mask } from "@unsam/core/mask";
import { randomNumbers, seedFor } from "../../random.js";
import type { Truth } from "../read-truth.js";

/** An object to be clicked. */
export interface TruthObject {
  readonly annotator: number;
  readonly region: number;
  readonly mask: Mask;
}

/** At most so many objects of an image are drawn. */
const MOST_OBJECTS = 5;

/** All regions of an image that have a pixel that counts, one by one. */
export function* everyObject(truth: Truth): Generator<TruthObject> {
  for (const { annotator, regions } of truth.annotations) {
    for (const region of regions.keys()) {
      const mask = regions.get(region)!;
      if (truth.counted === null || mask.intersection(truth.counted) > 0) yield { annotator, region, mask };
    }
  }
}

/**
 * Up to five objects that do not overlap, as the evaluation of UnSAMv2 draws them of an image of SA-1B: one at random, passed over where
 * it overlaps one that was taken, up to twice as many times as there are regions. What is drawn depends on the seed and
 * the image's name only.
 */
export function drawObjects(truth: Truth, image: string, seed: number): TruthObject[] {
  const random = randomNumbers(seedFor(seed, image));
  const open = truth.annotations.flatMap(({ annotator, regions }) =>
    regions.keys().map((region) => ({ annotator, region, regions })),
  );
  const drawn: TruthObject[] = [];
  for (let tries = 2 * open.length; tries > 0 && open.length > 0 && drawn.length < MOST_OBJECTS; tries--) {
    const place = Math.floor(random() * open.length);
    const { annotator, region, regions } = open[place];
    const mask = regions.get(region)!;
    if (truth.counted !== null && mask.intersection(truth.counted) === 0) continue;
    if (drawn.some((other) => other.mask.intersection(mask) > 0)) continue;
    drawn.push({ annotator, region, mask });
    open.splice(place, 1);
  }
  return drawn.sort((a, b) => a.annotator - b.annotator || a.region - b.region);
}
