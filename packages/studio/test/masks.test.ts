import { Mask, UnSAM } from "@unsam/sdk";
import fc from "fast-check";
import { expect, it } from "vitest";
import { bitmapOf, edgesOf, holds } from "../page/masks/bitmap.ts";
import { paintStrokes } from "../page/masks/brush.ts";
import { labelMapOf, maskAt, paintLabels } from "../page/masks/label-map.ts";
import { countsOf, readCounts } from "../page/masks/rle.ts";
import { ownersAt, pathTo, sceneOf, stepOfScene } from "../page/state/scene.ts";
import { photo } from "./photo.ts";

const randomMask = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
  .chain(([width, height]) =>
    fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: width * height, maxLength: width * height })
      .map((bytes) => Mask.fromBytes(width, height, bytes)),
  );

it("masks are drawn from the SDK's run lengths, and written as the SDK reads them, bit for bit", () => {
  fc.assert(
    fc.property(randomMask, (mask) => {
      const { width, height, bbox } = mask;
      const counts = mask.toRLE().counts as string;
      const bitmap = bitmapOf(counts, bbox, mask, 1);
      const bytes = mask.toBytes();
      const drawn = bytes.map((_, at) =>
        holds(bitmap, (at % width) + 0.5, Math.floor(at / width) + 0.5) ? 1 : 0,
      );
      expect(drawn).toEqual(bytes);
      expect(readCounts(counts)).toEqual(mask.toRLE({ compressed: false }).counts);
      expect(countsOf(bytes, width, height)).toEqual(mask.toRLE({ compressed: false }).counts);
    }),
    { numRuns: 100 },
  );
});

it("of large photos every n-th pixel is drawn", () => {
  fc.assert(
    fc.property(randomMask, fc.integer({ min: 2, max: 5 }), (mask, step) => {
      const bitmap = bitmapOf(mask.toRLE().counts as string, mask.bbox, mask, step);
      for (let y = 0; y < mask.height; y += step) {
        for (let x = 0; x < mask.width; x += step) expect(holds(bitmap, x, y)).toBe(mask.has(x, y));
      }
    }),
    { numRuns: 50 },
  );
});

it("outlines are the edges between pixels inside and outside, each once", () => {
  fc.assert(
    fc.property(randomMask, (mask) => {
      const lines = edgesOf(bitmapOf(mask.toRLE().counts as string, mask.bbox, mask, 1));
      let length = 0;
      for (let k = 0; k < lines.length; k += 4) {
        length += lines[k + 2] - lines[k] + lines[k + 3] - lines[k + 1];
      }
      // Along rings of the SDK's exact outlines.
      const around = (ring: readonly (readonly number[])[]) =>
        ring.reduce((sum, [x, y], k) => {
          const [nx, ny] = ring[(k + 1) % ring.length];
          return sum + Math.abs(nx - x) + Math.abs(ny - y);
        }, 0);
      const rings = mask.toPolygons().flatMap(({ outer, holes: inner }) => [outer, ...inner]);
      expect(length).toBe(rings.reduce((sum, ring) => sum + around(ring), 0));
    }),
    { numRuns: 50 },
  );
});

it("strokes are painted as wide as the brush", () => {
  const [width, height] = [60, 40];
  const bytes = paintStrokes(
    [
      {
        radius: 5,
        points: [
          [10, 20],
          [50, 20],
        ],
      },
    ],
    width,
    height,
  );
  const mask = Mask.fromBytes(width, height, bytes);
  expect([mask.has(4, 20), mask.has(6, 20), mask.has(30, 15), mask.has(30, 14), mask.has(54, 20)]).toEqual([
    false,
    true,
    true,
    false,
    true,
  ]);
  expect(mask.area).toBeCloseTo(40 * 10 + Math.PI * 25, -1);
  // Beyond the photo there is nothing to paint, and nothing goes wrong.
  expect(paintStrokes([{ radius: 3, points: [[-50, -50]] }], width, height).some((byte) => byte !== 0)).toBe(
    false,
  );
});

it("the whole scene is painted as the SDK's label maps say, at every granularity", async () => {
  await using unsam = await UnSAM.load({ model: "region-tree" });
  await using image = await unsam.encode(await photo());
  const scene = await image.everything();
  const masks = scene.masks.map(({ id, parent, range, area, bbox, score, stability, granularity, mask }) => ({
    id,
    parent: parent?.id ?? null,
    range: [range[0], Number.isFinite(range[1]) ? range[1] : null],
    area,
    bbox,
    score,
    stability,
    granularity,
    rle: mask.toRLE() as { size: [number, number]; counts: string },
  }));
  expect(masks.length).toBeGreaterThan(5);
  const ours = sceneOf(masks, scene.levels);
  const map = labelMapOf(ours, image, 1);
  const [x, y] = [20, 20];
  expect(pathTo(ours, maskAt(map, x, y)!).reverse()).toEqual(scene.pick(x, y).map(({ id }) => id));
  const levels = [0, ...scene.levels, ...scene.levels.map((level) => Math.max(0, level - 0.001)), 1];
  for (const level of levels) {
    const owners = ownersAt(ours, level);
    const theirs = scene.at(level).labels;
    expect([...map.labels].map((label) => (label === 0 ? 0 : owners[label - 1] + 1))).toEqual([...theirs]);
  }
  // In colour: where owners meet there is a line, elsewhere the owner's colour.
  const out = new Uint32Array(map.labels.length);
  const colours = Uint32Array.from(masks, (_, id) => id + 1);
  paintLabels(map, ownersAt(ours, 0.5), colours, 0xffffffff, out);
  const theirs = scene.at(0.5).labels;
  out.forEach((value, at) => {
    if (value !== 0xffffffff) expect(value).toBe(theirs[at]);
  });
  // Steps go through all levels, in both directions.
  const up: number[] = [];
  for (
    let at: number | null = stepOfScene(ours, 0, "coarser");
    at !== null;
    at = stepOfScene(ours, at, "coarser")
  ) {
    up.push(at);
  }
  expect(up).toEqual(scene.levels.filter((level) => level > 0));
});
