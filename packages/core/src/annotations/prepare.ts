import type { Abortable } from "../abortable.js";
import type { Budget } from "../limits/index.js";
import { simplifyOutlines } from "../outline/index.js";
import type { AnnotationFormat, Outlines } from "./known-formats.js";
import { type AnnotatedImage, type AnnotatedRegion, maskOf, type RegionShape } from "./record.js";

/** The image with simplified outlines of all its regions, made together (`simplifyOutlines`). */
export function simplified(
  image: AnnotatedImage,
  bound: number,
  budget: Budget,
  signal: Abortable,
): AnnotatedImage {
  const masks = image.regions.map((region) => maskOf(region, image, budget));
  const outlines = simplifyOutlines(masks, bound, signal);
  const regions = image.regions.map((region, k): AnnotatedRegion => {
    return { ...region, shape: { kind: "polygons", polygons: outlines[k] } };
  });
  return withoutEmpty({ ...image, regions });
}

/** Drops regions without a pixel or an outline; their parts get the parent of the dropped region. */
export function withoutEmpty(image: AnnotatedImage): AnnotatedImage {
  const { regions } = image;
  if (!regions.some(isEmpty)) return image;
  const places = new Map<number, number>();
  regions.forEach((region, k) => {
    if (!isEmpty(region)) places.set(k, places.size);
  });
  const above = (parent: number | null) => {
    let at = parent;
    for (let n = 0; at !== null && isEmpty(regions[at]); n++)
      at = n > regions.length ? null : regions[at].parent;
    return at === null ? null : (places.get(at) ?? null);
  };
  const kept = regions.filter((region) => !isEmpty(region));
  return { ...image, regions: kept.map((region) => ({ ...region, parent: above(region.parent) })) };
}

export function isEmpty({ shape }: AnnotatedRegion): boolean {
  return shape.kind === "mask" ? shape.mask.area === 0 : shape.polygons.length === 0;
}

/** Whether a format takes a shape as it is: pixels, or outlines of the kind that it has. */
export function fits(shape: RegionShape, outlines: Outlines): boolean {
  if (shape.kind === "mask" || outlines === "with holes") return true;
  const hasHoles = shape.polygons.some(({ holes }) => holes.length > 0);
  return !hasHoles && (outlines === "of several parts" || shape.polygons.length === 1);
}

/** What a file of a format does not tell of these images, a line each. */
export function lossesOf(images: readonly AnnotatedImage[], format: AnnotationFormat): string[] {
  const regions = images.flatMap((image) => image.regions);
  const lost: string[] = [];
  const tell = (count: number, what: string) => {
    if (count > 0) lost.push(`${what} of ${count} ${count === 1 ? "region" : "regions"}`);
  };
  const keeps = new Set(format.keeps);
  for (const fact of ["score", "stability", "granularity", "parent"] as const) {
    if (!keeps.has(fact)) tell(regions.filter((region) => region[fact] !== null).length, `the ${fact}`);
  }
  if (!keeps.has("file name") && images.some(({ fileName }) => fileName !== ""))
    lost.push("the photo's name");
  const empty = regions.filter(isEmpty).length;
  if (empty > 0) lost.push(`${empty} ${empty === 1 ? "region" : "regions"} without a pixel`);
  tell(
    regions.filter(({ shape }) => !fits(shape, format.outlines)).length,
    "corners between pixels (their outlines are written as pixels)",
  );
  return lost;
}
