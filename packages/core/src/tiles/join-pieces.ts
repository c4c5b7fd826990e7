import type { Abortable } from "../abortable.js";
import { iouInBox } from "./overlap-in-box.js";
import { paintPieces } from "./paint-pieces.js";
import { type TileBox, type TileLevel, tileBox, tileCount } from "./tile-grid.js";
import type { OpenSides, PlacedMask, WholeMask } from "./tile-mask.js";

/** Two pieces are of one thing when their intersection over union in the strip that both tiles see is at least this. */
const SAME_IN_STRIP = 0.75;
/** A smaller difference of IoU does not decide between two partners: nested pieces often agree in the strip and differ beyond it. */
const IOU_STEP = 1 / 32;

/**
 * Joins pieces of things that tiles have cut. At each side at which a piece is cut off, the tile beyond must have seen
 * the same thing: a piece cut off at the opposite side that agrees with it in the strip that both tiles see, one partner
 * for each. Only pieces that are whole together are returned, so no mask ends where a tile does; a thing that is not
 * put together here is found at a later level, where it is smaller.
 */
export function joinPieces(pieces: readonly PlacedMask[], level: TileLevel, signal?: Abortable): WholeMask[] {
  const ofTile: number[][] = Array.from({ length: tileCount(level) }, () => []);
  pieces.forEach(({ tile }, i) => {
    ofTile[tile].push(i);
  });
  const groups = new Groups(pieces.length);
  const { across, down } = level;
  for (let tile = 0; tile < ofTile.length; tile++) {
    signal?.throwIfAborted();
    if (tile % across.count < across.count - 1) joinAt(tile, tile + 1, "right", "left");
    if (tile + across.count < across.count * down.count) joinAt(tile, tile + across.count, "bottom", "top");
  }
  return groups
    .lists()
    .filter((members) => isComplete(members))
    .map((members) => {
      signal?.throwIfAborted();
      return joined(
        members.map((i) => pieces[i]),
        level,
      );
    });

  function joinAt(a: number, b: number, sideA: keyof OpenSides, sideB: keyof OpenSides): void {
    const strip = common(tileBox(level, a), tileBox(level, b));
    const listA = ofTile[a].filter((i) => pieces[i].open[sideA]);
    const listB = ofTile[b].filter((i) => pieces[i].open[sideB]);
    for (const [i, j] of partners(pieces, listA, listB, strip)) {
      groups.join(i, j);
      groups.close(i, sideA);
      groups.close(j, sideB);
    }
  }

  /** Whether a partner was found at every side, and no tile has brought two. */
  function isComplete(members: readonly number[]): boolean {
    const tiles = new Set(members.map((i) => pieces[i].tile));
    return tiles.size === members.length && members.every((i) => groups.isClosed(i, pieces[i].open));
  }
}

/** Pairs of pieces that agree in the strip, the best first, each piece once; of equally good pairs the smallest pieces. */
function partners(
  pieces: readonly PlacedMask[],
  listA: readonly number[],
  listB: readonly number[],
  strip: TileBox,
): [number, number][] {
  const pairs: { i: number; j: number; iou: number; area: number }[] = [];
  for (const i of listA) {
    for (const j of listB) {
      const iou = iouInBox(pieces[i].mask, pieces[j].mask, strip);
      if (iou < SAME_IN_STRIP) continue;
      pairs.push({
        i,
        j,
        iou: Math.floor(iou / IOU_STEP),
        area: pieces[i].mask.area + pieces[j].mask.area,
      });
    }
  }
  pairs.sort((a, b) => b.iou - a.iou || a.area - b.area || a.i - b.i || a.j - b.j);
  const taken = new Set<number>();
  return pairs
    .filter(({ i, j }) => {
      if (taken.has(i) || taken.has(j)) return false;
      taken.add(i).add(j);
      return true;
    })
    .map(({ i, j }) => [i, j]);
}

/** One mask of several pieces; scores are weighted by area. */
function joined(members: readonly PlacedMask[], level: TileLevel): WholeMask {
  const mask = paintPieces(members, level);
  const all = members.reduce((sum, { mask: { area } }) => sum + area, 0);
  const mean = (value: (piece: PlacedMask) => number) =>
    members.reduce((sum, piece) => sum + value(piece) * piece.mask.area, 0) / all;
  const largest = members.reduce((best, piece) => (piece.mask.area > best.mask.area ? piece : best));
  return {
    mask,
    score: mean(({ score }) => score),
    stability: mean(({ stability }) => stability),
    point: largest.point,
    tiles: members.map(({ tile }) => tile),
  };
}

function common(a: TileBox, b: TileBox): TileBox {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
}

/** Which pieces belong together, and at which sides they have found a partner. */
class Groups {
  readonly #above: Int32Array;
  readonly #closed: Set<keyof OpenSides>[];

  constructor(count: number) {
    this.#above = Int32Array.from({ length: count }, (_, i) => i);
    this.#closed = Array.from({ length: count }, () => new Set());
  }

  #root(i: number): number {
    while (this.#above[i] !== i) {
      this.#above[i] = this.#above[this.#above[i]];
      i = this.#above[i];
    }
    return i;
  }

  join(i: number, j: number): void {
    const [a, b] = [this.#root(i), this.#root(j)];
    this.#above[Math.max(a, b)] = Math.min(a, b);
  }

  close(i: number, side: keyof OpenSides): void {
    this.#closed[i].add(side);
  }

  isClosed(i: number, open: OpenSides): boolean {
    return (["left", "top", "right", "bottom"] as const).every(
      (side) => !open[side] || this.#closed[i].has(side),
    );
  }

  /** The groups in the order of their first members. */
  lists(): number[][] {
    const lists = new Map<number, number[]>();
    for (let i = 0; i < this.#above.length; i++) {
      const root = this.#root(i);
      const list = lists.get(root);
      if (list) list.push(i);
      else lists.set(root, [i]);
    }
    return [...lists.values()];
  }
}
