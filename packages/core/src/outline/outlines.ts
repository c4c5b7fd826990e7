import type { Abortable } from "../abortable.js";
import { UnSAMError } from "../errors.js";
import {
  type PackedMask,
  type Polygon,
  type PolygonPoint,
  tracePolygons,
  unpackMask,
} from "../mask/index.js";
import { ArcTable, type ArcUse, type ArcVertices } from "./arcs.js";
import { CornerMap } from "./corner-map.js";
import { dropVertices } from "./drop-vertices.js";

type Ring = readonly PolygonPoint[];

/** The exact outlines of a packed mask along pixel edges (`tracePolygons`), at the cost of its box, not of the image. */
export function exactOutlines(mask: PackedMask): Polygon[] {
  if (mask.area === 0) return [];
  const [x0, y0, x1, y1] = mask.box;
  const [width, height] = [x1 - x0 + 1, y1 - y0 + 1];
  const words = unpackMask({ ...mask, width, height, box: [0, 0, width - 1, height - 1] });
  const moved = (ring: Ring) => ring.map(([x, y]) => [x + x0, y + y0] as const);
  return tracePolygons(words, width, height).map(({ outer, holes }) => ({
    outer: moved(outer),
    holes: holes.map(moved),
  }));
}

/**
 * The outlines of masks of one image, simplified together: no point of an outline lies farther than `bound` pixels from the
 * exact one, nor the other way round. Where masks share an edge they share it still, so no gap and no overlap appears between
 * neighbours; a mask in another one stays in it; no outline crosses itself or another; polygons, holes and their order are
 * those of `exactOutlines`, and bound 0 gives these. The frame of the image is kept.
 * Takes half a byte for each pixel of the image. Throws `E_BAD_OPTION`, and what `signal` throws.
 */
export function simplifyOutlines(
  masks: readonly PackedMask[],
  bound: number,
  signal?: Abortable,
): Polygon[][] {
  checkBound(bound);
  const traced = function* () {
    for (const mask of masks) {
      signal?.throwIfAborted();
      yield exactOutlines(mask);
    }
  };
  if (bound === 0 || masks.length === 0) return [...traced()];
  const { width, height } = masks[0];
  const corners = new CornerMap(width, height);
  // Traced twice, so that the exact outlines of all masks are never held together.
  for (const polygons of traced()) {
    for (const { outer, holes } of polygons) for (const ring of [outer, ...holes]) corners.add(ring);
  }
  const table = new ArcTable(corners);
  const uses: { outer: ArcUse[]; holes: ArcUse[][] }[][] = [];
  for (const polygons of traced()) {
    uses.push(
      polygons.map(({ outer, holes }) => ({
        outer: table.add(outer),
        holes: holes.map((hole) => table.add(hole)),
      })),
    );
  }
  const arcs = table.vertices;
  const stays = dropVertices(arcs, { width, height }, bound, signal);
  const joined = (ring: readonly ArcUse[]) => joinArcs(ring, arcs, stays);
  return uses.map((polygons) =>
    polygons.map(({ outer, holes }) => ({ outer: joined(outer), holes: holes.map(joined) })),
  );
}

/** Throws `E_BAD_OPTION` for what is no error bound. */
export function checkBound(bound: number): void {
  if (typeof bound === "number" && bound >= 0 && bound <= MOST_BOUND) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `simplify is ${bound}; it is the largest error in pixels, a number from 0 to ${MOST_BOUND}.`,
  );
}

const MOST_BOUND = 1000;

function joinArcs(
  ring: readonly ArcUse[],
  { xs, ys, starts }: ArcVertices,
  stays: Uint8Array,
): PolygonPoint[] {
  const points: PolygonPoint[] = [];
  for (const use of ring) {
    const arc = use >> 1;
    const [first, last] = [starts[arc], starts[arc + 1] - 1];
    // The last vertex is the first of the next arc.
    for (let n = 0; n < last - first; n++) {
      const k = use & 1 ? last - n : first + n;
      if (stays[k]) points.push([xs[k], ys[k]]);
    }
  }
  return points;
}
