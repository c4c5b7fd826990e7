import type { RLE } from "@unsam/core/mask";
import type { Note } from "./notes.js";

/** One prompt: a click, and the region that it stands for. */
export interface Click {
  readonly image: string;
  /** From 1. */
  readonly annotator: number;
  /** Number of the region: its value in the label map, or the id of the COCO annotation. */
  readonly region: number;
  /** Pixel, from the left and top. */
  readonly x: number;
  readonly y: number;
}

/** Where one person's regions of an image are found. Plain data: it crosses to worker threads. */
export type AnnotationSource =
  /** A label map: every pixel has one region. */
  | { readonly annotator: number; readonly kind: "labels"; readonly file: string }
  /** Masks that may overlap. `iscrowd` ones are left out. `regions`: see `packRegions`. */
  | { readonly annotator: number; readonly kind: "masks"; readonly regions: string }
  /** A file of a benchmark (`openBenchmarks`): a picture of one object, the instances of SBD, the parts of Pascal-Part, the masks of SA-1B. */
  | { readonly annotator: number; readonly kind: BenchmarkFile; readonly file: string };

export type BenchmarkFile = "object-grabcut" | "object-any" | "instances-mat" | "parts-mat" | "sa-1b-json";

export interface RegionSource {
  readonly id: number;
  /** What the file calls it. */
  readonly name: string;
  /** Rings as flat lists x0, y0, x1, y1, … of three points or more, or a run-length encoding, as in COCO. */
  readonly segmentation: readonly (readonly number[])[] | RLE;
}

/** Regions as one text (JSON): it takes a tenth of their memory, and crosses threads at once, without stopping them. */
export function packRegions(regions: readonly RegionSource[]): string {
  return JSON.stringify(regions);
}

export function unpackRegions(packed: string): RegionSource[] {
  return JSON.parse(packed);
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface DatasetImage {
  /** No two images of a data set have one. */
  readonly name: string;
  readonly file: string;
  /** Size that masks refer to, as the COCO JSON states it; null: it states none, or the label map has its own. */
  readonly stated: Size | null;
  readonly annotations: readonly AnnotationSource[];
  /** null: to be drawn from the regions (`drawClicks`). */
  readonly clicks: readonly Click[] | null;
}

/** Images with regions that people drew, and clicks that stand for some of them. */
export interface Dataset {
  readonly name: string;
  /** The folder, or the COCO file. */
  readonly path: string;
  /** As told by `dataset.json`; null where it tells nothing. */
  readonly title: string | null;
  readonly licence: string | null;
  readonly citation: string | null;
  readonly homepage: string | null;
  /** Labels of pixels that no score counts. */
  readonly voidLabels: readonly number[];
  readonly clicksFrom: "clicks.csv" | "drawn";
  /** Sorted by name. */
  readonly images: readonly DatasetImage[];
  /** What of the data set is not scored or was changed, as far as opening it tells. */
  readonly notes: readonly Note[];
}
