import { pseudoRandom } from "@unsam/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mask } from "#core/mask/index.js";
import { type MergedMasks, TileMerger, tileBox, tileCore, tileCount } from "#core/tiles/index.js";
import { bar, bitsOf, disc, maskOf, type Picture, type Shape, scatteredDiscs, seenInTile } from "./shapes.js";

const settings = (tile: number, overlap: number) =>
  ({ tile, overlap, containment: 0.8, granularity: [0, 1] }) as const;

/** What a model that makes no mistakes sees in the tiles, merged. `shuffle`: the tiles come in some other order. */
function merged(picture: Picture, tile: number, overlap: number, shuffle?: () => number): MergedMasks {
  const merger = new TileMerger(picture, settings(tile, overlap));
  merger.levels.forEach((level, number) => {
    const tiles = Array.from({ length: tileCount(level) }, (_, i) => i);
    if (shuffle) tiles.sort(() => shuffle() - 0.5);
    for (const i of tiles) merger.add(number, i, seenInTile(picture, level, tileBox(level, i)));
    merger.endLevel(number);
  });
  return merger.result();
}

function bestIoU(truth: Mask, { masks }: MergedMasks): number[] {
  return masks.map(({ mask }) => truth.iou(bitsOf(mask))).sort((a, b) => b - a);
}

describe("tiles", () => {
  it("cover an image, share what was asked for, and answer for each pixel once", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 40, max: 200 }),
        fc.double({ min: 0.1, max: 0.5, noNaN: true }),
        (width, height, tile, share) => {
          const overlap = Math.floor(share * tile);
          for (const level of new TileMerger({ width, height }, settings(tile, overlap)).levels) {
            const owners = new Uint8Array(level.width * level.height);
            for (let i = 0; i < tileCount(level); i++) {
              const [x0, y0, x1, y1] = tileBox(level, i);
              const [cx0, cy0, cx1, cy1] = tileCore(level, i);
              expect(x1 - x0 <= tile && y1 - y0 <= tile).toBe(true);
              expect(x0 <= cx0 && y0 <= cy0 && cx1 <= x1 && cy1 <= y1).toBe(true);
              for (let y = cy0; y < cy1; y++) for (let x = cx0; x < cx1; x++) owners[y * level.width + x]++;
            }
            expect(owners.every((count) => count === 1)).toBe(true);
            const { starts } = level.across;
            for (let i = 1; i < starts.length; i++) {
              expect(starts[i - 1] + tile - starts[i]).toBeGreaterThanOrEqual(overlap);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("masks of tiles", () => {
  const size = { width: 420, height: 310 };

  it("become the shapes of the image, each once, wherever the tiles lie", () => {
    for (const [tile, overlap, seed] of [
      [128, 64, 1],
      [150, 60, 2],
      [200, 80, 3],
      [500, 100, 4],
    ]) {
      const shapes = scatteredDiscs(size.width, size.height, 24, seed);
      const result = merged({ ...size, shapes }, tile, overlap);
      expect(result.masks).toHaveLength(shapes.length);
      for (const shape of shapes) {
        expect(bestIoU(maskOf(shape, size.width, size.height), result)[0]).toBe(1);
      }
    }
  });

  it("are joined over many tiles and corners, to the last pixel", () => {
    const shapes: Shape[] = [
      bar(10, 180, 410, 205), // across all columns
      bar(100, 10, 122, 170), // down two rows
      disc(310, 220, 80), // larger than what tiles share, over a corner
    ];
    const result = merged({ ...size, shapes }, 128, 48);
    expect(result.masks).toHaveLength(3);
    for (const shape of shapes) expect(bestIoU(maskOf(shape, size.width, size.height), result)[0]).toBe(1);
  });

  it("that cannot be joined are found at a smaller size, in steps of as many pixels", () => {
    // Two arms that only meet outside of the tiles that see both.
    const horseshoe: Shape = (x, y) =>
      bar(20, 100, 380, 130)(x, y) || bar(20, 160, 380, 190)(x, y) || bar(350, 100, 380, 190)(x, y);
    const picture = { ...size, shapes: [horseshoe] };
    // A model that takes the arms apart where it does not see that they meet.
    const merger = new TileMerger(picture, settings(128, 48));
    merger.levels.forEach((level, number) => {
      for (let i = 0; i < tileCount(level); i++) {
        const box = tileBox(level, i);
        const apart = box[2] < 370 / (size.width / level.width);
        const shapes: Shape[] = apart
          ? [(x, y) => horseshoe(x, y) && y < 145, (x, y) => horseshoe(x, y) && y >= 145]
          : [horseshoe];
        merger.add(number, i, seenInTile({ ...picture, shapes }, level, box));
      }
      merger.endLevel(number);
    });
    const truth = maskOf(horseshoe, size.width, size.height);
    const [best] = bestIoU(truth, merger.result());
    expect(best).toBeGreaterThan(0.85);
  });

  it("do not depend on the order in which the tiles come", () => {
    const shapes = [...scatteredDiscs(size.width, size.height, 16, 9), disc(210, 155, 120)];
    const plain = merged({ ...size, shapes }, 150, 60);
    const shuffled = merged({ ...size, shapes }, 150, 60, pseudoRandom(3));
    expect(shuffled).toEqual(plain);
  });

  it("never end where a tile does, whatever the tiles disagree about", () => {
    const random = pseudoRandom(11);
    for (let round = 0; round < 3; round++) {
      const merger = new TileMerger(size, settings(128, 48));
      const [level] = merger.levels;
      const lines = new Set<number>();
      for (let i = 0; i < tileCount(level); i++) {
        const box = tileBox(level, i);
        const core = tileCore(level, i);
        for (const x of [box[0], box[2], core[0], core[2]]) if (x > 0 && x < size.width) lines.add(x);
        // Each tile sees shapes of its own.
        const shapes = Array.from({ length: 12 }, () =>
          disc(box[0] + 128 * random(), box[1] + 128 * random(), 5 + 50 * random()),
        );
        merger.add(0, i, seenInTile({ ...size, shapes }, level, box));
      }
      merger.endLevel(0);
      for (const { mask } of merger.result().masks) {
        const bits = bitsOf(mask);
        for (const x of lines) {
          let straight = 0;
          for (let y = 0; y < size.height; y++) straight += Number(bits.has(x, y) !== bits.has(x - 1, y));
          // Of a disc of radius 55 a column has an edge of 21 pixels at most; tiles that agree by three quarters join their
          // pieces with a step of a quarter of its 110 rows. A disc that a tile has cut has an edge of up to 110.
          expect(straight).toBeLessThan(2 * Math.sqrt(55 ** 2 - 54 ** 2) + 110 / 4);
        }
      }
    }
  });

  it("of one tile come through as they are", () => {
    const shapes = [disc(60, 60, 50), disc(60, 60, 30), disc(70, 50, 45), bar(0, 0, 100, 100)];
    const result = merged({ width: 100, height: 100, shapes }, 128, 48);
    expect(result.masks).toHaveLength(4);
  });
});
