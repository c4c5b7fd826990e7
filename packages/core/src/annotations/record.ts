import type { Budget } from "../limits/index.js";
import { type PackedMask, type Polygon, packMask, rasterisePolygons } from "../mask/index.js";
import { exactOutlines } from "../outline/index.js";

/** What annotation files say of one photo, whatever their format. Plain data: it crosses threads as it is. */
export interface AnnotatedImage {
  /** Name of the photo's file, as the annotations give it; "" where they give none. */
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly regions: readonly AnnotatedRegion[];
}

export interface AnnotatedRegion {
  readonly label: string;
  readonly shape: RegionShape;
  /** Predicted IoU, or what stands for it; null: nothing is known. */
  readonly score: number | null;
  readonly stability: number | null;
  /** 0 to 1. */
  readonly granularity: number | null;
  /** The region that it is part of: its index in `regions`. */
  readonly parent: number | null;
}

/** Pixels, or outlines whose corners may lie between them. */
export type RegionShape =
  | { readonly kind: "mask"; readonly mask: PackedMask }
  | { readonly kind: "polygons"; readonly polygons: readonly Polygon[] };

/** The label of regions that have none of their own. */
export const DEFAULT_LABEL = "region";

/** What is known of a region that a file only outlines. */
export const NOTHING_KNOWN = { score: null, stability: null, granularity: null, parent: null } as const;

/** Its pixels: of polygons those whose centres lie in them. Throws the code of the budget beyond it. */
export function maskOf(
  { shape }: Pick<AnnotatedRegion, "shape">,
  { width, height }: { readonly width: number; readonly height: number },
  budget: Budget,
): PackedMask {
  return shape.kind === "mask" ? shape.mask : packPolygons(shape.polygons, width, height, budget);
}

/** Its outlines: of a mask those along pixel edges, which give it back exactly. */
export function polygonsOf({ shape }: Pick<AnnotatedRegion, "shape">): readonly Polygon[] {
  return shape.kind === "mask" ? exactOutlines(shape.mask) : shape.polygons;
}

/** Fills polygons at the cost of their box, not of the image. */
function packPolygons(
  polygons: readonly Polygon[],
  width: number,
  height: number,
  budget: Budget,
): PackedMask {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (const { outer } of polygons) {
    for (const [x, y] of outer) {
      [x0, x1] = [Math.min(x0, x), Math.max(x1, x)];
      [y0, y1] = [Math.min(y0, y), Math.max(y1, y)];
    }
  }
  const [left, top] = [Math.max(0, Math.floor(x0)), Math.max(0, Math.floor(y0))];
  const columns = Math.min(width, Math.ceil(x1)) - left;
  const rows = Math.min(height, Math.ceil(y1)) - top;
  if (columns <= 0 || rows <= 0)
    return { width, height, area: 0, box: [0, 0, 0, 0], data: new Uint8Array(0) };
  const moved = (ring: Polygon["outer"]) => ring.map(([x, y]) => [x - left, y - top] as const);
  const inBox = polygons.map(({ outer, holes }) => ({ outer: moved(outer), holes: holes.map(moved) }));
  const words = rasterisePolygons(inBox, columns, rows, budget, left);
  return packMask(words, columns, rows, { x: left, y: top, width, height });
}
