import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask } from "#core/mask/index.js";
import type { Prompt, PromptPoint } from "#core/prompt.js";
import { buildRegionTree, chain, segmentTree, treeMask } from "#core/region-tree/index.js";
import { noise, paint, patches } from "./images.js";

const tree = buildRegionTree(patches(240, 170, 3));
const rough = buildRegionTree(noise(120, 100, 8));
const EMPTY: Prompt = { points: [], box: null, mask: null, granularity: 1 };
const at = (x: number, y: number, label: 1 | 0 = 1): PromptPoint => ({ x, y, label });
const place = fc.record({ x: fc.integer({ min: 0, max: 119 }), y: fc.integer({ min: 0, max: 99 }) });
const unit = fc.double({ min: 0, max: 1, noNaN: true });

function contains(outer: Uint8Array, inner: Uint8Array): boolean {
  return inner.every((bit, leaf) => bit <= outer[leaf]);
}

describe("a click and a granularity", () => {
  it("give nested answers that grow with the granularity", () => {
    for (const t of [tree, rough]) {
      fc.assert(
        fc.property(place, unit, unit, ({ x, y }, a, b) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)];
          const fine = segmentTree(t, { ...EMPTY, points: [at(x, y)], granularity: low });
          const coarse = segmentTree(t, { ...EMPTY, points: [at(x, y)], granularity: high });
          expect(contains(coarse.leaves, fine.leaves)).toBe(true);
          expect(coarse.granularity).toBeGreaterThanOrEqual(fine.granularity);
        }),
        { seed: 1, numRuns: 300 },
      );
    }
  });

  it("give the clicked leaf at 0, never the whole image at 1, and every node within reach at its own granularity", () => {
    fc.assert(
      fc.property(place, ({ x, y }) => {
        const steps = chain(tree, tree.leafMap[y * tree.width + x]);
        const fine = segmentTree(tree, { ...EMPTY, points: [at(x, y)], granularity: 0 });
        expect(fine.nodes).toEqual([
          steps.filter((step, k) => k === 0 || step.granularity <= 0).at(-1)!.node,
        ]);
        const whole = segmentTree(tree, { ...EMPTY, points: [at(x, y)], granularity: 1 });
        expect(whole.nodes).not.toContain(tree.nodeCount - 1);
        for (const step of steps.filter((s) => s.granularity <= 1)) {
          const answer = segmentTree(tree, { ...EMPTY, points: [at(x, y)], granularity: step.granularity });
          expect(tree.levels[answer.nodes[0]]).toBe(Math.max(step.granularity, tree.levels[steps[0].node]));
        }
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it("give the whole patch at 1 where patches differ plainly", () => {
    const image = paint(160, 120, (x) => (x < 70 ? [200, 40, 40] : [40, 40, 200]));
    const two = buildRegionTree(image);
    const answer = segmentTree(two, { ...EMPTY, points: [at(20, 60)] });
    const mask = treeMask(two, answer);
    expect(Math.abs(mask.area - 70 * 120)).toBeLessThanOrEqual(120);
  });

  it("choose a calm region with a strong outline where the granularity is left to them", () => {
    const image = paint(200, 150, (x, y) =>
      (x - 100) ** 2 + (y - 75) ** 2 < 40 ** 2 ? [230, 220, 60 + ((x * 7 + y * 3) % 20)] : [30, 60, 40],
    );
    const disc = buildRegionTree(image);
    for (const granularity of ["auto", null] as const) {
      const answer = segmentTree(disc, { ...EMPTY, points: [at(100, 75)], granularity });
      expect(treeMask(disc, answer).area / (Math.PI * 40 ** 2)).toBeCloseTo(1, 1);
      expect(answer.score).toBeGreaterThan(0.3);
    }
  });
});

describe("a granularity left to the tree", () => {
  it("comes with runners-up: other nodes within reach around the click, none like another", () => {
    for (const t of [tree, rough]) {
      fc.assert(
        fc.property(place, ({ x, y }) => {
          const answer = segmentTree(t, { ...EMPTY, points: [at(x, y)], granularity: "auto" });
          const scales = [answer, ...answer.alternatives].map(({ nodes, granularity }) => {
            expect(nodes).toHaveLength(1);
            expect(chain(t, t.leafMap[y * t.width + x]).map(({ node }) => node)).toContain(nodes[0]);
            // Each is what its own granularity gives.
            expect(segmentTree(t, { ...EMPTY, points: [at(x, y)], granularity }).nodes).toEqual(nodes);
            return t.areas[nodes[0]];
          });
          for (const [i, a] of scales.entries()) {
            for (const b of scales.slice(0, i)) expect(Math.min(a / b, b / a)).toBeLessThan(0.95);
          }
        }),
        { seed: 9, numRuns: 60 },
      );
    }
  });

  it("has none where the prompt leaves no choice", () => {
    expect(segmentTree(tree, { ...EMPTY, points: [at(50, 50)], granularity: 0.5 }).alternatives).toEqual([]);
    const boxed = segmentTree(tree, { ...EMPTY, box: [20, 20, 90, 90], granularity: "auto" });
    expect(boxed.alternatives).toEqual([]);
  });
});

describe("several clicks", () => {
  it("are all held by the smallest node that can, at granularity 0", () => {
    fc.assert(
      fc.property(fc.array(place, { minLength: 2, maxLength: 5 }), (places) => {
        const points = places.map(({ x, y }) => at(x, y));
        const { nodes, leaves } = segmentTree(tree, { ...EMPTY, points, granularity: 0 });
        const wanted = places.map(({ x, y }) => tree.leafMap[y * tree.width + x]);
        expect(nodes.length).toBe(1);
        for (const leaf of wanted) expect(leaves[leaf]).toBe(1);
        // No smaller node holds them: brute force over all nodes.
        for (let node = 0; node < tree.nodeCount; node++) {
          const holdsAll = wanted.every(
            (leaf) => tree.firstLeaf[node] <= leaf && leaf <= tree.lastLeaf[node],
          );
          if (holdsAll) expect(tree.areas[node]).toBeGreaterThanOrEqual(tree.areas[nodes[0]]);
        }
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it("never take in a negative click, and keep the positive ones", () => {
    const granularity = fc.oneof(unit, fc.constant("auto" as const));
    for (const t of [tree, rough]) {
      fc.assert(
        fc.property(
          fc.array(place, { minLength: 1, maxLength: 3 }),
          fc.array(place, { minLength: 1, maxLength: 3 }),
          granularity,
          (inside, outside, g) => {
            const same = (a: { x: number; y: number }, b: { x: number; y: number }) =>
              a.x === b.x && a.y === b.y;
            fc.pre(!inside.some((a) => outside.some((b) => same(a, b))));
            const points = [...inside.map((p) => at(p.x, p.y)), ...outside.map((p) => at(p.x, p.y, 0))];
            for (const box of [null, [10, 10, 90, 80] as const]) {
              const mask = treeMask(t, segmentTree(t, { ...EMPTY, points, box, granularity: g }));
              for (const { x, y } of inside) expect(mask.has(x, y)).toBe(true);
              for (const { x, y } of outside) expect(mask.has(x, y)).toBe(false);
            }
          },
        ),
        { seed: 4, numRuns: 150 },
      );
    }
  });

  it("count once for each region they fall on, however many there are", () => {
    const many = Array.from({ length: 4000 }, (_, i) =>
      at((i * 37) % 120, (i * 61) % 100, i % 5 === 0 ? 0 : 1),
    );
    const leaves = new Map(
      many.map((point) => [`${rough.leafMap[point.y * 120 + point.x]} ${point.label}`, point]),
    );
    expect(leaves.size).toBeLessThan(1000);
    for (const granularity of [0.3, "auto"] as const) {
      for (const box of [null, [10, 10, 90, 80] as const]) {
        const all = segmentTree(rough, { ...EMPTY, points: many, box, granularity });
        const each = segmentTree(rough, { ...EMPTY, points: [...leaves.values()], box, granularity });
        expect(all.nodes).toEqual(each.nodes);
        expect(new Set(all.contested)).toEqual(new Set(each.contested));
      }
      const negative = many.map((point) => ({ ...point, label: 0 as const })).slice(0, 300);
      const { leaves: kept } = segmentTree(rough, { ...EMPTY, points: negative, granularity });
      expect(negative.some(({ x, y }) => kept[rough.leafMap[y * 120 + x]] === 1)).toBe(false);
    }
  });

  it("divide a leaf between clicks of both kinds", () => {
    const plain = buildRegionTree(paint(100, 60, () => [90, 90, 90]));
    const answer = segmentTree(plain, { ...EMPTY, points: [at(20, 30), at(80, 30, 0)] });
    const mask = treeMask(plain, answer);
    expect(mask.has(20, 30)).toBe(true);
    expect(mask.has(80, 30)).toBe(false);
    expect(mask.area).toBe(50 * 60);
  });

  it("of the negative kind alone leave the rest of the image", () => {
    const answer = segmentTree(tree, { ...EMPTY, points: [at(50, 50, 0)], granularity: 0.3 });
    const clicked = segmentTree(tree, { ...EMPTY, points: [at(50, 50)], granularity: 0.3 });
    expect(answer.leaves.every((bit, leaf) => bit === 1 - clicked.leaves[leaf])).toBe(true);
  });
});

describe("a box", () => {
  const scene = paint(240, 180, (x, y) => {
    if (x >= 40 && x < 100 && y >= 50 && y < 120) return [220, 60, 50];
    if (x >= 140 && x < 200 && y >= 60 && y < 130) return [60, 200, 80];
    return [50, 60, 120];
  });
  const boxed = buildRegionTree(scene);

  it("finds the thing that spans it, drawn loosely too", () => {
    for (const slack of [0, 3, 6]) {
      const box = [40 - slack, 50 - slack, 100 + slack, 120 + slack] as const;
      const answer = segmentTree(boxed, { ...EMPTY, box });
      const mask = treeMask(boxed, answer);
      expect(Math.abs(mask.area - 60 * 70)).toBeLessThan(300);
      expect(mask.has(70, 80)).toBe(true);
      expect(answer.score).toBeGreaterThan(0.7);
    }
  });

  it("can take several regions", () => {
    const answer = segmentTree(boxed, { ...EMPTY, box: [38, 48, 202, 132] });
    const mask = treeMask(boxed, answer);
    expect(mask.has(70, 80)).toBe(true);
    expect(mask.has(170, 90)).toBe(true);
  });

  it("obeys clicks beside it", () => {
    const box = [38, 48, 202, 132] as const;
    const mask = treeMask(boxed, segmentTree(boxed, { ...EMPTY, box, points: [at(70, 80), at(170, 90, 0)] }));
    expect(mask.has(70, 80)).toBe(true);
    expect(mask.has(170, 90)).toBe(false);
  });

  it("outside the image is answered with nothing", () => {
    expect(segmentTree(boxed, { ...EMPTY, box: [500, 500, 600, 600] }).nodes).toEqual([]);
  });
});

describe("a mask prompt", () => {
  it("gives back a union of regions as it is, from a mask and from logits of any size", () => {
    const first = segmentTree(tree, { ...EMPTY, points: [at(60, 60)], granularity: 0.5 });
    const mask = treeMask(tree, first);
    expect(segmentTree(tree, { ...EMPTY, mask }).leaves).toEqual(first.leaves);
    const data = Float32Array.from({ length: 240 * 170 }, (_, i) =>
      mask.has(i % 240, Math.floor(i / 240)) ? 3 : -3,
    );
    const again = segmentTree(tree, { ...EMPTY, mask: { data, shape: [170, 240] } });
    expect(again.leaves).toEqual(first.leaves);
    expect(again.score).toBe(1);
  });

  it("stretches low-resolution logits over the image", () => {
    const logits = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 4 : -4));
    const answer = segmentTree(tree, { ...EMPTY, mask: { data: logits, shape: [4, 4] } });
    const left = new Uint8Array(240 * 170).map((_, i) => (i % 240 < 120 ? 1 : 0));
    expect(treeMask(tree, answer).iou(Mask.fromBytes(240, 170, left))).toBeGreaterThan(0.8);
    expect(() => segmentTree(tree, { ...EMPTY, mask: { data: logits, shape: [5, 5] } })).toThrow(/shape/);
  });

  it("obeys clicks beside it", () => {
    const mask = treeMask(tree, segmentTree(tree, { ...EMPTY, points: [at(60, 60)], granularity: 0.6 }));
    const answer = segmentTree(tree, { ...EMPTY, mask, points: [at(60, 60, 0)] });
    expect(answer.leaves[tree.leafMap[60 * 240 + 60]]).toBe(0);
  });
});

describe("what is no prompt", () => {
  it("is refused", () => {
    expect(() => segmentTree(tree, EMPTY)).toThrow(/empty/);
    expect(() => segmentTree(tree, { ...EMPTY, points: [at(Number.NaN, 3)] })).toThrow(/point/);
    for (const granularity of [7, -0.1, Number.NaN]) {
      expect(() => segmentTree(tree, { ...EMPTY, points: [at(3, 3)], granularity })).toThrow(/granularity/i);
    }
  });
});
