import { createHash } from "node:crypto";
import type { Half } from "../names.js";
import type { Dataset } from "./dataset.js";

/**
 * Which half an image belongs to: by the lowest bit of the first byte of the SHA-256 of its name, so that it stays in its half whatever
 * else a set holds, wherever the set lies and however it is called.
 */
export function halfOf(image: string): Exclude<Half, "all"> {
  return createHash("sha256").update(image).digest()[0] % 2 === 0 ? "development" : "report";
}

/** A data set with the images of one half alone. */
export function takeHalf(dataset: Dataset, half: Half): Dataset {
  if (half === "all") return dataset;
  return { ...dataset, images: dataset.images.filter(({ name }) => halfOf(name) === half) };
}
