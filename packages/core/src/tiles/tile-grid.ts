/** The side of an image or of one of its shrunk versions, or a whole of both. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** x0, y0, x1, y1 in pixels, the last two exclusive. */
export type TileBox = readonly [x0: number, y0: number, x1: number, y1: number];

/** A row (or column) of tiles along one side. All are equally long and share at least the overlap with their neighbours. */
export interface TileAxis {
  readonly count: number;
  /** Pixels of one tile. */
  readonly length: number;
  /** First pixel of each tile, [count]. */
  readonly starts: readonly number[];
  /** Between which pixels each tile answers for what lies there: the middles of the overlaps, [count + 1]. */
  readonly cuts: readonly number[];
}

/** The tiles of one level: the image, shrunk so far that things of some size fit into a tile. */
export interface TileLevel extends Size {
  readonly across: TileAxis;
  readonly down: TileAxis;
}

export interface TileSettings {
  /** Side of a tile, pixels. */
  readonly tile: number;
  /** Pixels that neighbouring tiles share, at least. */
  readonly overlap: number;
}

export function tileAxis(side: number, { tile, overlap }: TileSettings): TileAxis {
  if (side <= tile) return { count: 1, length: side, starts: [0], cuts: [0, side] };
  const count = Math.ceil((side - overlap) / (tile - overlap));
  const starts = Array.from({ length: count }, (_, i) => Math.round((i * (side - tile)) / (count - 1)));
  const cuts = starts.map((start, i) => (i === 0 ? 0 : Math.floor((start + starts[i - 1] + tile) / 2)));
  return { count, length: tile, starts, cuts: [...cuts, side] };
}

/**
 * The levels of an image: its own size first, each further one half as large, the last one a single tile. A thing that is
 * too large to be seen whole in a tile of one level is seen whole at a later one.
 */
export function tileLevels({ width, height }: Size, settings: TileSettings): TileLevel[] {
  const levels: TileLevel[] = [];
  for (let shrink = 1; ; shrink *= 2) {
    const size = { width: Math.ceil(width / shrink), height: Math.ceil(height / shrink) };
    const across = tileAxis(size.width, settings);
    const down = tileAxis(size.height, settings);
    levels.push({ ...size, across, down });
    if (across.count === 1 && down.count === 1) return levels;
  }
}

export function tileCount({ across, down }: TileLevel): number {
  return across.count * down.count;
}

/** The box of a tile; tiles are numbered row by row. */
export function tileBox({ across, down }: TileLevel, index: number): TileBox {
  const x = across.starts[index % across.count];
  const y = down.starts[Math.floor(index / across.count)];
  return [x, y, x + across.length, y + down.length];
}

/** The part of the image a tile answers for. The parts of all tiles are the image. */
export function tileCore({ across, down }: TileLevel, index: number): TileBox {
  const column = index % across.count;
  const row = Math.floor(index / across.count);
  return [across.cuts[column], down.cuts[row], across.cuts[column + 1], down.cuts[row + 1]];
}

/** How far pixels first … last stay away from the ends of a tile at which there is more image; negative: they cross one. */
export function clearance(axis: TileAxis, index: number, first: number, last: number): number {
  const start = axis.starts[index];
  const before = index > 0 ? first - start : Number.POSITIVE_INFINITY;
  const behind = index < axis.count - 1 ? start + axis.length - 1 - last : Number.POSITIVE_INFINITY;
  return Math.min(before, behind);
}

/** The largest clearance that any tile of the axis gives these pixels. */
export function bestClearance(axis: TileAxis, first: number, last: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < axis.count; i++) best = Math.max(best, clearance(axis, i, first, last));
  return best;
}
