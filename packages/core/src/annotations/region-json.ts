import { type GeoTransform, isMirrored, toMap } from "../georeference/transform.js";
import type { Budget } from "../limits/index.js";
import { encodePackedRLE, type PackedMask, type Polygon, type PolygonPoint } from "../mask/index.js";
import { fits } from "./prepare.js";
import { type AnnotatedImage, type AnnotatedRegion, maskOf, polygonsOf } from "./record.js";

// A region as COCO and GeoJSON tell it. Plain functions without the readers: the main thread makes such objects, too.

export interface CocoSegmentation {
  readonly size: readonly [number, number];
  readonly counts: string;
}

/** Compressed run lengths, as COCO's own tools read them. */
export function cocoRunLengths(mask: PackedMask): CocoSegmentation {
  const { size, counts } = encodePackedRLE(mask, true);
  return { size, counts: counts as string };
}

/** Which numbers an annotation has. */
export interface CocoNumbers {
  readonly id: number;
  readonly image: number;
  readonly category: number;
  /** That of the first region of its image. */
  readonly first: number;
}

export function cocoAnnotation(
  region: AnnotatedRegion,
  image: Pick<AnnotatedImage, "width" | "height">,
  { id, image: imageId, category, first }: CocoNumbers,
  budget: Budget,
) {
  const { shape } = region;
  const mask = maskOf(region, image, budget);
  const [x0, y0, x1, y1] = mask.box;
  const bbox = mask.area === 0 ? ([0, 0, 0, 0] as const) : ([x0, y0, x1 - x0 + 1, y1 - y0 + 1] as const);
  const isOutline = shape.kind === "polygons" && fits(shape, "of several parts");
  return {
    id,
    image_id: imageId,
    category_id: category,
    iscrowd: 0 as const,
    segmentation: isOutline ? shape.polygons.map(({ outer }) => outer.flat()) : cocoRunLengths(mask),
    area: mask.area,
    bbox,
    granularity: region.granularity,
    parent: region.parent === null ? null : first + region.parent,
    predicted_iou: region.score,
    stability_score: region.stability,
  };
}

/** What a COCO file tells of images before their annotations. */
export function cocoHead(
  images: readonly Pick<AnnotatedImage, "fileName" | "width" | "height">[],
  labels: readonly string[],
  firstId = 1,
) {
  return {
    images: images.map(({ fileName, width, height }, k) => ({
      id: firstId + k,
      file_name: fileName,
      width,
      height,
    })),
    categories: labels.map((name, k) => ({ id: k + 1, name })),
  };
}

type Coordinates = PolygonPoint[][][];

/** A MultiPolygon in pixels of the image, y downwards, or in the coordinates of a map. */
export function geojsonFeature(
  region: AnnotatedRegion,
  image: Pick<AnnotatedImage, "width" | "height">,
  id: number,
  georeference: GeoTransform | null,
  budget: Budget,
) {
  const { label, granularity, parent, score, stability } = region;
  const { area } = maskOf(region, image, budget);
  return {
    type: "Feature" as const,
    id,
    geometry: {
      type: "MultiPolygon" as const,
      coordinates: coordinatesOf(polygonsOf(region), georeference),
    },
    properties: { label, granularity, parent, score, stability, area },
  };
}

/** Rings with their first point repeated at the end; on a map outlines run counter-clockwise, as RFC 7946 asks. */
export function coordinatesOf(polygons: readonly Polygon[], georeference: GeoTransform | null): Coordinates {
  const placed = (ring: readonly PolygonPoint[]) => {
    if (georeference === null) return [...ring, ring[0]];
    const points = ring.map(([x, y]) => toMap(georeference, x, y));
    if (isMirrored(georeference)) points.reverse();
    return [...points, points[0]];
  };
  return polygons.map(({ outer, holes }) => [placed(outer), ...holes.map(placed)]);
}

/** The text of an object whose last member is a list, item by item: all of it may be longer than a string can be. */
export function* listText(head: object, name: string, items: Iterable<unknown>): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(name)}:[`;
  let isFirst = true;
  for (const item of items) {
    yield `${isFirst ? "" : ","}\n${JSON.stringify(item)}`;
    isFirst = false;
  }
  yield "\n]}\n";
}
