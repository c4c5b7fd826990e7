import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask, type PackedMask, type Polygon, type PolygonPoint, packMask } from "#core/mask/index.js";
import { exactOutlines, simplifyOutlines } from "#core/outline/index.js";

type Ring = readonly PolygonPoint[];

/** A picture of small numbers, made of blots, so that regions have borders of some length. */
const labelMaps = fc
  .record({ width: fc.integer({ min: 2, max: 14 }), height: fc.integer({ min: 2, max: 14 }) })
  .chain(({ width, height }) =>
    fc
      .array(
        fc.record({
          x: fc.integer({ min: 0, max: width - 1 }),
          y: fc.integer({ min: 0, max: height - 1 }),
          radius: fc.double({ min: 0.5, max: 7, noNaN: true }),
          label: fc.integer({ min: 0, max: 4 }),
        }),
        { maxLength: 12 },
      )
      .map((blots) => {
        const labels = new Uint8Array(width * height);
        for (const { x, y, radius, label } of blots) {
          for (let i = 0; i < labels.length; i++) {
            if (Math.hypot((i % width) - x, Math.floor(i / width) - y) <= radius) labels[i] = label;
          }
        }
        return { width, height, labels };
      }),
  );
const bounds = fc.double({ min: 0, max: 4, noNaN: true });
/** With bound 0 outlines are the exact ones, without the corners that others have on their straight edges. */
const positiveBounds = fc.double({ min: 0.001, max: 4, noNaN: true });

interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint8Array;
}

function packed(width: number, height: number, isSet: (i: number) => boolean): PackedMask {
  const bytes = Array.from({ length: width * height }, (_, i) => (isSet(i) ? 1 : 0));
  return packMask(Mask.fromBytes(width, height, bytes).words, width, height);
}

/** A mask for each number: they cover the picture, and each pixel once. */
function partition({ width, height, labels }: LabelMap): PackedMask[] {
  return [...new Set(labels)].map((label) => packed(width, height, (i) => labels[i] === label));
}

const ringsOf = (polygons: readonly Polygon[]) => polygons.flatMap(({ outer, holes }) => [outer, ...holes]);
const segmentsOf = (ring: Ring) => ring.map((from, k) => [from, ring[(k + 1) % ring.length]] as const);

function distanceTo(ring: Ring, [x, y]: readonly [number, number]): number {
  return Math.min(
    ...segmentsOf(ring).map(([[x0, y0], [x1, y1]]) => {
      const [dx, dy] = [x1 - x0, y1 - y0];
      const t = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
      return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
    }),
  );
}

/** Points along a ring, a tenth of a pixel apart or less. */
function samples(ring: Ring): [number, number][] {
  return segmentsOf(ring).flatMap(([[x0, y0], [x1, y1]]) => {
    const count = Math.ceil(10 * Math.hypot(x1 - x0, y1 - y0));
    return Array.from({ length: count }, (_, k): [number, number] => [
      x0 + ((x1 - x0) * k) / count,
      y0 + ((y1 - y0) * k) / count,
    ]);
  });
}

const side = (a: PolygonPoint, b: PolygonPoint, p: PolygonPoint) =>
  Math.sign((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]));
const isSame = (a: PolygonPoint, b: PolygonPoint) => a[0] === b[0] && a[1] === b[1];

/** Whether two segments meet in more than a common end, and are not one and the same. */
function clash([a, b]: readonly [PolygonPoint, PolygonPoint], [c, d]: readonly [PolygonPoint, PolygonPoint]) {
  if ((isSame(a, c) && isSame(b, d)) || (isSame(a, d) && isSame(b, c))) return false;
  const [abc, abd, cda, cdb] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  const isOn = (p: PolygonPoint, q: PolygonPoint, at: PolygonPoint) =>
    Math.min(p[0], q[0]) <= at[0] &&
    at[0] <= Math.max(p[0], q[0]) &&
    Math.min(p[1], q[1]) <= at[1] &&
    at[1] <= Math.max(p[1], q[1]);
  const ends = [
    [abc, c, a, b],
    [abd, d, a, b],
    [cda, a, c, d],
    [cdb, b, c, d],
  ] as const;
  // An end of one in the middle of the other.
  if (ends.some(([s, at, p, q]) => s === 0 && isOn(p, q, at) && !isSame(at, p) && !isSame(at, q)))
    return true;
  return abc * abd < 0 && cda * cdb < 0;
}

function area(ring: Ring): number {
  return segmentsOf(ring).reduce((sum, [[x0, y0], [x1, y1]]) => sum + (x0 * y1 - x1 * y0) / 2, 0);
}

function isIn(polygons: readonly Polygon[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of ringsOf(polygons)) {
    for (const [[x0, y0], [x1, y1]] of segmentsOf(ring)) {
      if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
    }
  }
  return inside;
}

describe("exact outlines", () => {
  it("are those of the whole image, and give the mask back bit for bit", () => {
    fc.assert(
      fc.property(labelMaps, (map) => {
        for (const mask of partition(map)) {
          const exact = exactOutlines(mask);
          const whole = Mask.fromPolygons(map.width, map.height, exact);
          expect(packMask(whole.words, map.width, map.height)).toEqual(mask);
          expect(exact).toEqual(whole.toPolygons());
        }
      }),
    );
  });
});

describe("simplified outlines", () => {
  it("stay within the bound of the exact ones, and these of them, ring by ring", () => {
    fc.assert(
      fc.property(labelMaps, bounds, (map, bound) => {
        const masks = partition(map);
        simplifyOutlines(masks, bound).forEach((polygons, k) => {
          const exact = ringsOf(exactOutlines(masks[k]));
          const simple = ringsOf(polygons);
          expect(simple.length).toBe(exact.length);
          simple.forEach((ring, n) => {
            const far = (from: Ring, to: Ring) => Math.max(...samples(from).map((at) => distanceTo(to, at)));
            expect(far(ring, exact[n])).toBeLessThanOrEqual(bound + 1e-9);
            expect(far(exact[n], ring)).toBeLessThanOrEqual(bound + 1e-9);
          });
        });
      }),
    );
  });

  it("neither cross nor touch in new places, themselves or each other, and no ring folds up", () => {
    fc.assert(
      fc.property(labelMaps, positiveBounds, (map, bound) => {
        const polygons = simplifyOutlines(partition(map), bound).flat();
        const rings = ringsOf(polygons);
        const segments = rings.flatMap(segmentsOf);
        for (const [i, one] of segments.entries()) {
          for (const other of segments.slice(i + 1)) expect(clash(one, other)).toBe(false);
        }
        for (const { outer, holes } of polygons) {
          expect(area(outer)).toBeGreaterThan(0);
          for (const hole of holes) expect(area(hole)).toBeLessThan(0);
        }
      }),
    );
  });

  it("of regions that cover the image cover it still, every point once", () => {
    fc.assert(
      fc.property(labelMaps, bounds, (map, bound) => {
        const regions = simplifyOutlines(partition(map), bound);
        const areas = regions.map((polygons) => ringsOf(polygons).reduce((sum, ring) => sum + area(ring), 0));
        expect(areas.reduce((a, b) => a + b, 0)).toBe(map.width * map.height);
        for (let y = 0.137; y < map.height; y += 0.31) {
          for (let x = 0.0713; x < map.width; x += 0.29) {
            expect(regions.filter((polygons) => isIn(polygons, x, y)).length).toBe(1);
          }
        }
      }),
    );
  });

  it("of a mask in another one stay in it", () => {
    fc.assert(
      fc.property(labelMaps, bounds, (map, bound) => {
        const { width, height, labels } = map;
        const inner = packed(width, height, (i) => labels[i] === 1);
        const outer = packed(width, height, (i) => labels[i] === 1 || labels[i] === 2);
        const [small, large] = simplifyOutlines([inner, outer], bound);
        for (let y = 0.137; y < height; y += 0.31) {
          for (let x = 0.0713; x < width; x += 0.29) {
            if (isIn(small, x, y)) expect(isIn(large, x, y)).toBe(true);
          }
        }
      }),
    );
  });

  it("drop what a bound of a pixel allows: the steps of a slope, not the corners of a square", () => {
    const slope = packed(64, 64, (i) => i % 64 <= Math.floor(i / 64));
    const [[{ outer }]] = simplifyOutlines([slope], 1);
    expect(exactOutlines(slope)[0].outer.length).toBe(130);
    expect(outer.length).toBeLessThanOrEqual(6);
    const square = packed(64, 64, (i) => i % 64 >= 10 && i % 64 < 20 && i >= 64 * 5 && i < 64 * 25);
    const corners = ringsOf(simplifyOutlines([square], 2)[0])
      .flat()
      .map(String)
      .sort();
    expect(corners).toEqual(["10,25", "10,5", "20,25", "20,5"]);
  });

  it("refuse a bound that is none, and end with the signal", () => {
    const mask = packed(8, 8, (i) => i === 9);
    for (const bound of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => simplifyOutlines([mask], bound)).toThrow(/simplify is/);
    }
    const signal = AbortSignal.abort(new Error("enough"));
    expect(() => simplifyOutlines([mask], 1, signal)).toThrow("enough");
  });
});
