import type { RgbImage } from "@unsam/core/image";
import type { PatchFeatures } from "@unsam/core/patch-merge";
import type { Candidate } from "../family.js";
import { cropAround, refineMask } from "../refine/refine-mask.js";
import { maskCut } from "./cuts.js";

/** Instances by MaskCut on a map of patches over the whole image, with their borders on the edges of the image. */
export function instancesOfCuts(image: RgbImage, patches: PatchFeatures): Candidate[] {
  const { width: columns, height: rows } = patches;
  const side = Math.max(image.width / columns, image.height / rows);
  const radius = Math.max(2, Math.round(side));
  return maskCut(patches).map((instance) => {
    const inside = (x: number, y: number) => {
      const column = Math.floor((x * columns) / image.width);
      return instance[Math.floor((y * rows) / image.height) * columns + column] === 1;
    };
    const whole = { x: 0, y: 0, width: image.width, height: image.height };
    const { mask, stability } = refineMask(
      image,
      cropAround(whole, 0, image.width, image.height),
      inside,
      radius,
    );
    return { mask, predictedIou: stability, stability };
  });
}
