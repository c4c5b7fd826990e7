import { pseudoRandom } from "@unsam/test-support";
import { Mask, type PackedMask, packMask, unpackMask } from "#core/mask/index.js";
import type { TileBox, TileLevel, TileMask } from "#core/tiles/index.js";

/** Shapes of an image by a function of the pixel, as a model that makes no mistakes sees them. */
export type Shape = (x: number, y: number) => boolean;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

export function disc(cx: number, cy: number, r: number): Shape {
  return (x, y) => (x - cx) ** 2 + (y - cy) ** 2 < r * r;
}

export function bar(x0: number, y0: number, x1: number, y1: number): Shape {
  return (x, y) => x >= x0 && x < x1 && y >= y0 && y < y1;
}

/** Discs that lie apart. */
export function scatteredDiscs(width: number, height: number, count: number, seed: number): Shape[] {
  const random = pseudoRandom(seed);
  const discs: { x: number; y: number; r: number }[] = [];
  for (let tries = 0; discs.length < count && tries < 10_000; tries++) {
    const r = 4 + 22 * random();
    const x = r + 1 + random() * (width - 2 * r - 2);
    const y = r + 1 + random() * (height - 2 * r - 2);
    if (discs.some((d) => Math.hypot(d.x - x, d.y - y) < d.r + r + 4)) continue;
    discs.push({ x, y, r });
  }
  return discs.map(({ x, y, r }) => disc(x, y, r));
}

export function maskOf(shape: Shape, width: number, height: number): Mask {
  const bytes = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) bytes[y * width + x] = Number(shape(x, y));
  return Mask.fromBytes(width, height, bytes);
}

/** What lies in a tile of a level, each shape a mask. */
export function seenInTile(picture: Picture, level: TileLevel, [x0, y0, x1, y1]: TileBox): TileMask[] {
  const [sx, sy] = [picture.width / level.width, picture.height / level.height];
  return picture.shapes.flatMap((shape, i) => {
    const inTile: Shape = (x, y) => shape(Math.floor((x0 + x + 0.5) * sx), Math.floor((y0 + y + 0.5) * sy));
    const mask = maskOf(inTile, x1 - x0, y1 - y0);
    if (mask.area === 0) return [];
    const packed = packMask(mask.words, mask.width, mask.height);
    return [
      { mask: packed, score: 0.5 + i / 1000, stability: 1, point: [mask.bbox.x, mask.bbox.y] as const },
    ];
  });
}

export function bitsOf(mask: PackedMask): Mask {
  return new Mask(mask.width, mask.height, unpackMask(mask));
}
