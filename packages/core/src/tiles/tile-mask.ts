import type { PackedMask } from "../mask/index.js";

/** A mask that was found in a tile. Plain data. */
export interface TileMask {
  /** At the size of the tile. */
  readonly mask: PackedMask;
  readonly score: number;
  readonly stability: number;
  /** A pixel of it or the click that found it, in pixels of the tile. */
  readonly point: readonly [x: number, y: number];
}

/** The same at the size of its level. */
export interface PlacedMask extends TileMask {
  readonly tile: number;
  /** At which sides its tile cuts it off, if at all. */
  readonly open: OpenSides;
}

export interface OpenSides {
  readonly left: boolean;
  readonly top: boolean;
  readonly right: boolean;
  readonly bottom: boolean;
}

/** A mask seen whole: in one tile, or joined from pieces. At the size of its level. */
export interface WholeMask extends TileMask {
  /** The tiles it comes from. */
  readonly tiles: readonly number[];
}
