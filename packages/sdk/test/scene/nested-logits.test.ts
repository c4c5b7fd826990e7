import { SceneHierarchy, type SceneMask } from "@unsam/sdk";
import { normalOf, pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";

const SIDE = 256;

/** A part with the smallest part around it; discs that hold their children and do not touch their siblings. */
interface Part {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly parent: number;
  readonly granularity: number;
}

/** Four wholes with five parts each, and four parts in each of those: 100 + 4 discs of three sizes. */
function plantScene(): Part[] {
  const parts: Part[] = [];
  const grow = (x: number, y: number, radius: number, parent: number, depth: number) => {
    const index = parts.push({ x, y, radius, parent, granularity: [0.15, 0.5, 0.9][2 - depth] }) - 1;
    if (depth === 2) return;
    const children = depth === 0 ? 5 : 4;
    for (let n = 0; n < children; n++) {
      const angle = 0.3 + (2 * Math.PI * n) / children;
      const [reach, size] = depth === 0 ? [0.66, 0.3] : [0.52, 0.34];
      grow(
        x + reach * radius * Math.cos(angle),
        y + reach * radius * Math.sin(angle),
        size * radius,
        index,
        depth + 1,
      );
    }
  };
  for (const [x, y] of [
    [64, 64],
    [192, 64],
    [64, 192],
    [192, 192],
  ])
    grow(x, y, 60, -1, 0);
  return parts;
}

/** Signed distance to the border, at most ±6, plus normal noise; each part `copies` times. */
function drawLogits(parts: readonly Part[], copies: number, noise: number, seed: number) {
  const next = pseudoRandom(seed);
  const count = parts.length * copies;
  const size = SIDE * SIDE;
  const data = new Float32Array(new SharedArrayBuffer(4 * count * size));
  parts.forEach(({ x, y, radius }, k) => {
    for (let row = 0, i = k * size; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++, i++) {
        const distance = radius - Math.hypot(column + 0.5 - x, row + 0.5 - y);
        data[i] = Math.max(-6, Math.min(6, distance));
      }
    }
  });
  for (let copy = 1; copy < copies; copy++)
    data.copyWithin(copy * parts.length * size, 0, parts.length * size);
  // Drawn once, read from a place of its own for each mask.
  const deviates = Float32Array.from({ length: noise > 0 ? 3 * size : 0 }, () => normalOf(next));
  for (let k = 0; noise > 0 && k < count; k++) {
    const from = Math.floor(next() * 2 * size);
    for (let i = 0; i < size; i++) data[k * size + i] += noise * deviates[from + i];
  }
  const scores = Array.from({ length: count }, () => 0.8 + 0.2 * next());
  const granularities = Array.from({ length: count }, (_, k) => parts[k % parts.length].granularity);
  return { maps: { count, width: SIDE, height: SIDE, data }, facts: { scores, granularities } };
}

/** Which part a mask is: the one whose disc it matches best, by centroid (noise leaves specks far away) and area. */
function partOf(mask: SceneMask, parts: readonly Part[]): number {
  let [sumX, sumY] = [0, 0];
  mask.mask.toBytes().forEach((inside, i) => {
    sumX += inside * ((i % SIDE) + 0.5);
    sumY += inside * (Math.floor(i / SIDE) + 0.5);
  });
  const [cx, cy] = [sumX / mask.area, sumY / mask.area];
  const radius = Math.sqrt(mask.area / Math.PI);
  const misfit = parts.map((part) => Math.hypot(part.x - cx, part.y - cy) + Math.abs(radius - part.radius));
  return misfit.indexOf(Math.min(...misfit));
}

function expectTree(scene: SceneHierarchy, parts: readonly Part[]): void {
  const found = scene.masks.map((mask) => partOf(mask, parts));
  expect([...found].sort((a, b) => a - b)).toEqual(parts.map((_, i) => i));
  for (const mask of scene.masks) {
    const { parent } = parts[found[mask.id]];
    expect(mask.parent ? found[mask.parent.id] : -1).toBe(parent);
    expect(mask.granularity).toBe(parts[found[mask.id]].granularity);
  }
}

describe("a scene from the logits of known nested parts", () => {
  // Logits grow by 1 a pixel from a border, and the smallest discs have a radius of 6 pixels: noise of σ 1.5 displaces
  // their outlines by a quarter of that. With more than 1, copies of these are no longer alike (IoU 0.5), but nested.
  it.each([
    [0, 3],
    [0.5, 3],
    [1, 3],
    [1.5, 1],
  ])(
    "is their tree exactly, with noise of σ %f on %i copies of each",
    { timeout: 60_000 },
    async (noise, copies) => {
      const parts = plantScene();
      expect(parts.length).toBe(104);
      const { maps, facts } = drawLogits(parts, copies, noise, 7);
      const scene = await SceneHierarchy.fromLogits(maps, facts, { maxIoU: 0.5 });
      expectTree(scene, parts);
      // At each scale the middle of every part belongs to the ancestor of that scale.
      for (const g of [0.2, 0.6, 1]) {
        const map = scene.at(g);
        for (const part of parts.filter(({ granularity }) => granularity === 0.15)) {
          let up = part;
          while (up.parent >= 0 && parts[up.parent].granularity <= g) up = parts[up.parent];
          expect(partOf(map.owner(part.x, part.y)!, parts)).toBe(parts.indexOf(up));
        }
      }
    },
  );

  it("is fused from 3000 masks while one waits", { timeout: 60_000 }, async () => {
    const parts = plantScene();
    const { maps, facts } = drawLogits(parts, 29, 0, 3);
    expect(maps.count).toBe(3016);
    const started = performance.now();
    const scene = await SceneHierarchy.fromLogits(maps, facts);
    expectTree(scene, parts);
    // Under a second with the addon on two free cores (docs/performance.md); this machine may be neither.
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it("refuses numbers that do not fit the maps", async () => {
    const maps = { count: 2, width: 2, height: 2, data: new Float32Array(8) };
    const fuse = (scores: number[], granularities: number[], data = maps.data) =>
      SceneHierarchy.fromLogits({ ...maps, data }, { scores, granularities });
    await expect(fuse([1], [1, 1])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(fuse([1, 1], [1, 2])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(fuse([1, Number.NaN], [1, 1])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(fuse([1, 1], [1, 1], new Float32Array(7))).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    for (const data of [new Array(8).fill(0), new Float64Array(8), null]) {
      await expect(fuse([1, 1], [1, 1], data as never)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    }
    await expect(fuse(undefined as never, [1, 1])).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    expect((await fuse([1, 1], [1, 1])).masks.length).toBe(0);
  });
});
