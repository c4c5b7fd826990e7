import { placeMask } from "../mask/index.js";
import { bestClearance, clearance, type TileLevel, type TileSettings, tileBox } from "./tile-grid.js";
import type { OpenSides, PlacedMask, TileMask } from "./tile-mask.js";

/** How near to the side of a tile a mask is cut off by it, as a share of the tile: outlines are less precise than pixels. */
const NEAR_SHARE = 1 / 128;
const LEAST_NEAR = 2;

/** The same in pixels. */
export function nearSide({ tile }: TileSettings): number {
  return Math.max(LEAST_NEAR, Math.round(NEAR_SHARE * tile));
}

/**
 * Things up to this many pixels across are seen whole in some tile, wherever they lie: the overlap holds them with what
 * `nearSide` takes on both sides.
 */
export function surelyWhole(settings: TileSettings): number {
  return settings.overlap - 2 * nearSide(settings) - 2;
}

/** A tile's masks at the size of the level, with the sides at which they are cut off. */
export function placeInLevel(
  masks: readonly TileMask[],
  level: TileLevel,
  index: number,
  settings: TileSettings,
): PlacedMask[] {
  const [x, y] = tileBox(level, index);
  const { width, height } = level;
  return masks
    .filter(({ mask }) => mask.area > 0)
    .map((found) => ({
      ...found,
      mask: placeMask(found.mask, { x, y, width, height }),
      point: [found.point[0] + x, found.point[1] + y] as const,
      tile: index,
      open: openSides(found.mask.box, level, index, nearSide(settings)),
    }));
}

/** `box`: in pixels of the tile, corners inclusive. */
function openSides(
  [x0, y0, x1, y1]: TileMask["mask"]["box"],
  { across, down }: TileLevel,
  index: number,
  near: number,
): OpenSides {
  const column = index % across.count;
  const row = Math.floor(index / across.count);
  return {
    left: column > 0 && x0 < near,
    top: row > 0 && y0 < near,
    right: column < across.count - 1 && x1 >= across.length - near,
    bottom: row < down.count - 1 && y1 >= down.length - near,
  };
}

export function isWhole({ left, top, right, bottom }: OpenSides): boolean {
  return !(left || top || right || bottom);
}

/**
 * Whether no other tile sees a mask much better. The tile whose sides are farthest from the mask answers for it. Where two tiles
 * see it about equally well, both answer, and the merger drops the duplicate.
 */
export function isOwn(
  { mask, tile }: PlacedMask,
  { across, down }: TileLevel,
  settings: TileSettings,
): boolean {
  const slack = 2 * nearSide(settings);
  const [x0, y0, x1, y1] = mask.box;
  const column = tile % across.count;
  const row = Math.floor(tile / across.count);
  return (
    clearance(across, column, x0, x1) >= bestClearance(across, x0, x1) - slack &&
    clearance(down, row, y0, y1) >= bestClearance(down, y0, y1) - slack
  );
}
