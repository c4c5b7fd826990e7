import { type AnnotatedRegion, DEFAULT_LABEL } from "@unsam/core/annotation-record";
import { Budget } from "@unsam/core/limits";
import { cocoAnnotation, cocoHead, geojsonFeature } from "@unsam/core/region-json";
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

/** What annotation files say of a mask. */
export function regionOf({ packed, score, stability, granularity, parent }: SceneMask): AnnotatedRegion {
  const shape = { kind: "mask", mask: packed } as const;
  return { label: DEFAULT_LABEL, shape, score, stability, granularity, parent: parent?.id ?? null };
}

interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Everything but the annotations. */
export function cocoHeadOf(
  { width, height }: ImageSize,
  imageId: number,
  fileName: string,
): Omit<CocoScene, "annotations"> {
  return cocoHead([{ fileName, width, height }], [DEFAULT_LABEL], imageId);
}

export function cocoAnnotationOf(mask: SceneMask, image: ImageSize, imageId: number): CocoAnnotation {
  const numbers = { id: mask.id + 1, image: imageId, category: 1, first: 1 };
  return cocoAnnotation(regionOf(mask), image, numbers, OWN_MASKS) as CocoAnnotation;
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
export function polygonFeature(mask: SceneMask, image: ImageSize): PolygonFeature {
  const feature = geojsonFeature(regionOf(mask), image, mask.id, null, OWN_MASKS);
  const { label: _, ...properties } = feature.properties;
  return { ...feature, properties: properties as PolygonFeature["properties"] };
}

/** Nothing is filled: the masks are here already. */
const OWN_MASKS = new Budget("The masks of a scene", Number.POSITIVE_INFINITY);
