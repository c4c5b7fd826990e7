import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask, type Polygon } from "#core/mask/index.js";
import { areasOf, drawn, floodFill, type PlainMask, plainMask } from "./random-mask.js";

type Ring = Polygon["outer"];
const pack = ({ width, height, bytes }: PlainMask) => Mask.fromBytes(width, height, bytes);

/** Positive for clockwise on the screen. */
function signedArea(ring: Ring): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);
}

/** Whether a point is inside a ring, by casting a ray to the right. */
function encloses(ring: Ring, x: number, y: number): boolean {
  return ring.reduce((inside, [x0, y0], i) => {
    const [x1, y1] = ring[(i + 1) % ring.length];
    if (y0 > y === y1 > y) return inside;
    return x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0) ? !inside : inside;
  }, false);
}

/** Whether an edge crosses the row of a point so close to it that rounding decides on which side. */
function touches(ring: Ring, x: number, y: number): boolean {
  return ring.some(([x0, y0], i) => {
    const [x1, y1] = ring[(i + 1) % ring.length];
    return y0 > y !== y1 > y && Math.abs(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) - x) < 1e-9;
  });
}

describe("polygons of a mask", () => {
  it("are the corners of a rectangle, clockwise from its top-left pixel", () => {
    expect(pack(drawn("....", ".##.", ".##.")).toPolygons()).toEqual([
      {
        outer: [
          [3, 1],
          [3, 3],
          [1, 3],
          [1, 1],
        ],
        holes: [],
      },
    ]);
  });

  it("have holes, and islands in holes are polygons of their own", () => {
    const [ring, island, ...others] = pack(drawn("#####", "#...#", "#.#.#", "#...#", "#####")).toPolygons();
    expect(others).toEqual([]);
    expect([signedArea(ring.outer), ...ring.holes.map(signedArea)]).toEqual([25, -9]);
    expect([signedArea(island.outer), island.holes.length]).toEqual([1, 0]);
  });

  it("are two where pixels only share a corner", () => {
    expect(
      pack(drawn("#.", ".#"))
        .toPolygons()
        .map((p) => signedArea(p.outer)),
    ).toEqual([1, 1]);
  });

  it("are cut where a region meets itself at a corner", () => {
    const [polygon] = pack(drawn("####", "#..#", "###.")).toPolygons();
    expect([signedArea(polygon.outer), polygon.holes.map(signedArea)]).toEqual([11, [-2]]);
  });

  it("are empty for an empty mask", () => {
    expect(pack(drawn("...")).toPolygons()).toEqual([]);
  });

  it("rasterise back to the very mask; rings are simple, oriented, and as many as there are regions", () => {
    fc.assert(
      fc.property(plainMask, (plain) => {
        const { width, height, bytes } = plain;
        const mask = pack(plain);
        const polygons = mask.toPolygons();
        expect(Mask.fromPolygons(width, height, polygons).equals(mask)).toBe(true);

        const regions = floodFill(plain, 1, 4);
        const areas = areasOf(regions);
        expect(
          polygons.map(({ outer, holes }) => [outer, ...holes].reduce((a, r) => a + signedArea(r), 0)),
        ).toEqual(areas);
        polygons.forEach(({ outer, holes }, k) => {
          expect(signedArea(outer)).toBeGreaterThan(0);
          for (const ring of [outer, ...holes]) {
            if (ring !== outer) expect(signedArea(ring)).toBeLessThan(0);
            expect(new Set(ring.map(String)).size).toBe(ring.length);
            ring.forEach(([x, y], i) => {
              const [x1, y1] = ring[(i + 1) % ring.length];
              const [x2] = ring[(i + 2) % ring.length];
              expect((x === x1) !== (y === y1)).toBe(true);
              expect((x1 === x2) !== (x === x1)).toBe(true);
            });
          }
          for (let i = 0; i < bytes.length; i++) {
            const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
            const inside = encloses(outer, x, y) && !holes.some((hole) => encloses(hole, x, y));
            if (inside !== (regions[i] === k + 1)) expect.fail(`pixel ${x}, ${y} of region ${k}`);
          }
        });
      }),
      { numRuns: 150 },
    );
  });
});

describe("rasterising polygons", () => {
  it("sets the pixels whose centres are inside, for any coordinates", () => {
    const coordinate = fc.double({ min: -15, max: 125, noNaN: true });
    const ring = fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 7 });
    const polygon = fc.record({ outer: ring, holes: fc.array(ring, { maxLength: 2 }) });
    fc.assert(
      fc.property(fc.array(polygon, { maxLength: 3 }), (polygons) => {
        const mask = Mask.fromPolygons(100, 20, polygons);
        for (let y = 0; y < 20; y++) {
          for (let x = 0; x < 100; x++) {
            const inside = polygons.some(
              ({ outer, holes }) =>
                [outer, ...holes].filter((r) => encloses(r, x + 0.5, y + 0.5)).length % 2 === 1,
            );
            const doubtful = polygons.some(({ outer, holes }) =>
              [outer, ...holes].some((r) => touches(r, x + 0.5, y + 0.5)),
            );
            if (!doubtful && mask.has(x, y) !== inside) expect.fail(`pixel ${x}, ${y} is ${!inside}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("unites overlapping polygons", () => {
    const square = (x: number, y: number): Polygon => ({
      outer: [
        [x, y],
        [x + 4, y],
        [x + 4, y + 4],
        [x, y + 4],
      ],
      holes: [],
    });
    expect(Mask.fromPolygons(8, 8, [square(0, 0), square(2, 2)]).area).toBe(28);
  });

  it("refuses what is no polygon", () => {
    const refused = expect.objectContaining({ code: "E_BAD_FILE" });
    for (const outer of [
      [],
      [
        [0, 0],
        [1, 1],
      ],
      [
        [0, 0],
        [1, 1],
        [Number.NaN, 2],
      ],
      [[0, 0], [1, 1], [2]],
      [0, 0, 1, 1, 2, 2],
      [
        [0, 0],
        [1, 1e300],
        [2, 2],
      ],
      [
        ["0", "0"],
        ["3", "0"],
        ["3", "3"],
      ],
      null,
    ]) {
      expect(() => Mask.fromPolygons(4, 4, [{ outer, holes: [] } as never])).toThrow(refused);
    }
    for (const polygons of [
      null,
      {},
      [null],
      [{}],
      [{ outer: [] }],
      [{ outer: [], holes: 3 }],
      [{ holes: [] }],
    ]) {
      expect(() => Mask.fromPolygons(4, 4, polygons as never)).toThrow(refused);
    }
  });

  it("refuses a short list of polygons that would take minutes", () => {
    const [width, height] = [8000, 8000];
    const triangle: Polygon = {
      outer: [
        [0, 0],
        [width, 0],
        [0, height],
      ],
      holes: [],
    };
    const teeth = Array.from({ length: 40_000 }, (_, i) => [i % 2, i % 2 === 0 ? 0 : height] as const);
    const zigzag: Polygon = { outer: teeth, holes: [] };
    const started = performance.now();
    for (const polygons of [Array<Polygon>(2000).fill(triangle), [zigzag]]) {
      expect(() => Mask.fromPolygons(width, height, polygons)).toThrow(
        /more than 1073741824 bytes.*maxBytes/,
      );
    }
    expect(performance.now() - started).toBeLessThan(1000);
    expect(() => Mask.fromPolygons(20_000, 20_000, [triangle])).toThrow(/maxPixels/);
    expect(Mask.fromPolygons(12_000, 10_000, [triangle], { maxPixels: 2e8 }).area).toBeGreaterThan(3e7);
  });
});
