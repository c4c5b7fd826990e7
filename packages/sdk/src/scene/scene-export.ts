import { encodePackedRLE } from "@unsam/core/mask";
import { exactOutlines } from "@unsam/core/outline";
import type { SceneMask } from "./scene-mask.js";

export interface CocoOptions {
  /** Default 1. */
  readonly imageId?: number | undefined;
  /** Name of the photo's file; default "". */
  readonly fileName?: string | undefined;
}

/** A data set of one image in the form of COCO, one category, with what a scene knows beyond it. */
export interface CocoScene {
  readonly images: readonly { id: number; file_name: string; width: number; height: number }[];
  readonly categories: readonly { id: number; name: string }[];
  readonly annotations: readonly CocoAnnotation[];
}

export interface CocoAnnotation {
  /** From 1, in the order of `scene.masks`. */
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly iscrowd: 0;
  /** Compressed run lengths, as COCO's own tools read them. */
  readonly segmentation: { readonly size: readonly [number, number]; readonly counts: string };
  readonly area: number;
  /** x, y, width, height in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly granularity: number;
  /** Annotation it lies in; null for a whole. */
  readonly parent: number | null;
  readonly predicted_iou: number;
  readonly stability_score: number;
}

/** With defaults. */
export function cocoOptions({ imageId = 1, fileName = "" }: CocoOptions): {
  imageId: number;
  fileName: string;
} {
  return { imageId, fileName };
}

/** Everything but the annotations. */
export function cocoHead(
  { width, height }: { readonly width: number; readonly height: number },
  imageId: number,
  fileName: string,
): Omit<CocoScene, "annotations"> {
  return {
    images: [{ id: imageId, file_name: fileName, width, height }],
    categories: [{ id: 1, name: "region" }],
  };
}

export function cocoAnnotation(mask: SceneMask, imageId: number): CocoAnnotation {
  const { x, y, width, height } = mask.bbox;
  const { size, counts } = encodePackedRLE(mask.packed, true);
  return {
    id: mask.id + 1,
    image_id: imageId,
    category_id: 1,
    iscrowd: 0,
    segmentation: { size, counts: counts as string },
    area: mask.area,
    bbox: [x, y, width, height],
    granularity: mask.granularity,
    parent: mask.parent ? mask.parent.id + 1 : null,
    predicted_iou: mask.score,
    stability_score: mask.stability,
  };
}

/** Like GeoJSON, but in pixels of the image, y downwards. */
export interface PolygonScene {
  readonly type: "FeatureCollection";
  /** Size of the image; not of GeoJSON. */
  readonly width: number;
  readonly height: number;
  readonly features: readonly PolygonFeature[];
}

export interface PolygonFeature {
  readonly type: "Feature";
  readonly id: number;
  readonly geometry: {
    readonly type: "MultiPolygon";
    /** Polygons of rings (the outline, then holes) of points; the last point of a ring is its first. */
    readonly coordinates: readonly (readonly (readonly (readonly [number, number])[])[])[];
  };
  readonly properties: {
    readonly granularity: number;
    readonly parent: number | null;
    readonly score: number;
    readonly stability: number;
    readonly area: number;
  };
}

/** Outlines run along pixel edges, so they give the mask back exactly (`Mask.fromPolygons`). */
export function polygonFeature(mask: SceneMask): PolygonFeature {
  const closed = (ring: readonly (readonly [number, number])[]) => [...ring, ring[0]];
  const { granularity, score, stability, area } = mask;
  return {
    type: "Feature",
    id: mask.id,
    geometry: {
      type: "MultiPolygon",
      coordinates: exactOutlines(mask.packed).map(({ outer, holes }) => [
        closed(outer),
        ...holes.map((hole) => closed(hole)),
      ]),
    },
    properties: { granularity, parent: mask.parent?.id ?? null, score, stability, area },
  };
}
