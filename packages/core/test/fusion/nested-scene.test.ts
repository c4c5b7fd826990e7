import { describe, expect, it } from "vitest";
import { fuseLogits, labelMapAt } from "#core/fusion/index.js";
import { Random } from "./random.js";

const SIDE = 256;

interface Part {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly parent: number;
  readonly granularity: number;
}

/** Wholes with parts with parts of parts: discs that hold their children and do not touch their siblings. */
function plantScene(random: Random, depth: number): Part[] {
  const parts: Part[] = [];
  const grow = (x: number, y: number, radius: number, parent: number, level: number) => {
    const index = parts.push({ x, y, radius, parent, granularity: 0.1 + (0.9 * level) / depth }) - 1;
    if (level === 0) return;
    const turn = random.next() * 2 * Math.PI;
    const children = random.int(2, 3);
    for (let n = 0; n < children; n++) {
      const angle = turn + (2 * Math.PI * n) / children;
      // Discs of 0.42 the radius at 0.52 of it: inside the parent and apart from each other.
      const reach = 0.52 * radius;
      grow(x + reach * Math.cos(angle), y + reach * Math.sin(angle), 0.42 * radius, index, level - 1);
    }
  };
  for (const [x, y] of [
    [64, 64],
    [192, 64],
    [64, 192],
    [192, 192],
  ]) {
    grow(x + random.int(-4, 4), y + random.int(-4, 4), 56, -1, depth);
  }
  return parts;
}

/** The parts' logits (signed distance to the border, at most ±6) `copies` times, each with its own noise. */
function drawLogits(parts: Part[], copies: number, noise: number, random: Random): Float32Array {
  const data = new Float32Array(copies * parts.length * SIDE * SIDE);
  let i = 0;
  for (let copy = 0; copy < copies; copy++) {
    for (const { x, y, radius } of parts) {
      for (let row = 0; row < SIDE; row++) {
        for (let column = 0; column < SIDE; column++, i++) {
          const distance = radius - Math.hypot(column + 0.5 - x, row + 0.5 - y);
          data[i] = Math.max(-6, Math.min(6, distance)) + noise * random.normal();
        }
      }
    }
  }
  return data;
}

describe("fuseLogits on a scene of known nested parts", () => {
  it.each([
    [0, 1],
    [0, 2],
    [0.5, 3],
    [1, 3],
    [1.5, 3],
  ])("recovers the tree with noise σ %f from %i copies of each mask", (noise, copies) => {
    const random = new Random(11);
    const parts = plantScene(random, 2);
    const data = drawLogits(parts, copies, noise, random);
    const count = copies * parts.length;
    const scores = Float64Array.from({ length: count }, () => 0.8 + 0.2 * random.next());
    const granularities = Float64Array.from({ length: count }, (_, k) => parts[k % parts.length].granularity);
    const scene = fuseLogits({ count, height: SIDE, width: SIDE, data }, scores, granularities, {
      maxIoU: 0.6,
    });

    const partOf = Array.from(scene.kept, (k) => k % parts.length);
    expect([...partOf].sort((a, b) => a - b)).toEqual(parts.map((_, i) => i));
    scene.forest.parent.forEach((parent, region) => {
      expect(parent < 0 ? -1 : partOf[parent]).toBe(parts[partOf[region]].parent);
    });

    // What the pixel in the middle of each part belongs to at each of the three scales.
    for (const [level, granularity] of [0.1, 0.55, 1].entries()) {
      const labels = labelMapAt(scene.finest, scene.forest, granularity);
      for (const [index, part] of parts.entries()) {
        let expected = index;
        while (parts[expected].parent >= 0 && parts[parts[expected].parent].granularity <= granularity) {
          expected = parts[expected].parent;
        }
        if (part.granularity > granularity && level < 2) continue;
        const label = labels[Math.floor(part.y) * SIDE + Math.floor(part.x)];
        expect(partOf[label - 1]).toBe(expected);
      }
    }
  });

  it("leaves out empty masks and keeps nothing of a scene of them", () => {
    const data = new Float32Array(2 * 4 * 4).fill(-1);
    const scene = fuseLogits({ count: 2, height: 4, width: 4, data }, [1, 1], [0, 1]);
    expect(scene.kept.length).toBe(0);
    expect([...labelMapAt(scene.finest, scene.forest, 0.5)]).toEqual(new Array(16).fill(0));
  });
});
