import { pseudoRandom } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { CHANNELS } from "#core/region-tree/channels.js";
import { type MergeFeatures, mergeCost, mergeRegions, strengthOfMerges } from "#core/region-tree/merging.js";
import type { RegionGraph } from "#core/region-tree/region-graph.js";

/** A random connected graph of regions that look like anything. */
function example(
  count: number,
  seed: number,
  metricDimensions = 0,
): { graph: RegionGraph; features: MergeFeatures } {
  const random = pseudoRandom(seed);
  const pairs = new Set<string>();
  for (let i = 1; i < count; i++) pairs.add(`${Math.floor(random() * i)} ${i}`);
  for (let k = 0; k < 2 * count; k++) {
    const a = Math.floor(random() * count);
    const b = Math.floor(random() * count);
    if (a !== b) pairs.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
  }
  const ends = [...pairs].map((pair) => pair.split(" ").map(Number));
  const border = Float64Array.from(ends, () => 1 + Math.floor(random() * 20));
  const graph = {
    count,
    first: Int32Array.from(ends, ([a]) => a),
    second: Int32Array.from(ends, ([, b]) => b),
    border,
    strength: border.map((length) => length * random()),
  };
  const features = {
    outline: outlines(
      graph,
      Array.from({ length: count }, (_, i) => [i]),
    ),
    size: Float64Array.from({ length: count }, () => 1 + Math.floor(random() * 50)),
    channels: Float32Array.from({ length: count * CHANNELS }, random),
    lab: Float32Array.from({ length: count * 3 }, () => random() * 100 - 50),
    dimensions: 4,
    embedding: Float32Array.from({ length: count * 4 }, () => random() * 2 - 1),
    metricDimensions,
    metric: Float32Array.from({ length: count * metricDimensions }, () => random() * 2 - 1),
  };
  return { graph, features };
}

/** Sides between the members of each group and all that are not. */
function outlines({ first, second, border }: RegionGraph, groups: number[][]): Float64Array {
  return Float64Array.from(groups, (members) =>
    border.reduce(
      (sum, sides, e) => sum + (members.includes(first[e]) !== members.includes(second[e]) ? sides : 0),
      0,
    ),
  );
}

/** The plain way: look at every pair again after every merge, from sums over members, in double precision. */
function mergeNaively(graph: RegionGraph, features: MergeFeatures) {
  const groups = Array.from({ length: graph.count }, (_, i) => ({ node: i, members: [i], height: 0 }));
  const imageSize = features.size.reduce((a, b) => a + b, 0);
  const merges: { pair: number[]; height: number; border: number }[] = [];
  while (groups.length > 1) {
    let best = { cost: Number.POSITIVE_INFINITY, a: 0, b: 0, border: 0 };
    for (let a = 0; a < groups.length; a++) {
      for (let b = a + 1; b < groups.length; b++) {
        let border = 0;
        let strength = 0;
        for (let e = 0; e < graph.first.length; e++) {
          const between =
            (groups[a].members.includes(graph.first[e]) && groups[b].members.includes(graph.second[e])) ||
            (groups[b].members.includes(graph.first[e]) && groups[a].members.includes(graph.second[e]));
          if (!between) continue;
          border += graph.border[e];
          strength += graph.strength[e];
        }
        if (border === 0) continue;
        const pair = [groups[a].members, groups[b].members];
        const two = { ...meansOf(pair, features), outline: outlines(graph, pair) };
        const cost = mergeCost(two, 0, 1, border, strength, imageSize);
        if (cost < best.cost) best = { cost, a, b, border };
      }
    }
    const [a, b] = [groups[best.a], groups[best.b]];
    const height = Math.max(best.cost, a.height, b.height);
    merges.push({ pair: [a.node, b.node].sort((x, y) => x - y), height, border: best.border });
    groups.splice(best.b, 1);
    groups[best.a] = {
      node: graph.count + merges.length - 1,
      members: [...a.members, ...b.members],
      height,
    };
  }
  return merges;
}

function meansOf(groups: number[][], features: MergeFeatures): Omit<MergeFeatures, "outline"> {
  const mean = (values: Float32Array, width: number) =>
    Float32Array.from({ length: groups.length * width }, (_, k) => {
      const members = groups[Math.floor(k / width)];
      let sum = 0;
      let size = 0;
      for (const m of members) {
        sum += features.size[m] * values[m * width + (k % width)];
        size += features.size[m];
      }
      return sum / size;
    });
  return {
    size: Float64Array.from(groups, (members) => members.reduce((sum, m) => sum + features.size[m], 0)),
    channels: mean(features.channels, CHANNELS),
    lab: mean(features.lab, 3),
    dimensions: features.dimensions,
    embedding: mean(features.embedding, features.dimensions),
    metricDimensions: features.metricDimensions,
    metric: mean(features.metric, features.metricDimensions),
  };
}

describe("merging", () => {
  it.each([2, 3, 5, 8, 13, 21, 30])("joins %i regions in the order of the plain way", (count) => {
    for (const seed of [1, 2, 3]) {
      // Every second one with a learned metric beside what the tree sees itself.
      const { graph, features } = example(count, seed * 100 + count, seed % 2 === 0 ? 3 : 0);
      const merges = mergeRegions(graph, features);
      mergeNaively(graph, features).forEach((naive, m) => {
        expect([merges.children[2 * m], merges.children[2 * m + 1]]).toEqual(naive.pair);
        expect(merges.heights[m]).toBeCloseTo(naive.height, 5);
        expect(merges.border[m]).toBeCloseTo(naive.border, 6);
      });
    }
  });

  it("finds what each merge shared again, from the strengths of the same graph", () => {
    for (const count of [1, 2, 9, 30]) {
      const { graph, features } = example(count, count);
      const merges = mergeRegions(graph, features);
      const found = strengthOfMerges(merges, graph);
      expect(found.length).toBe(merges.strength.length);
      found.forEach((sum, merge) => {
        expect(sum).toBeCloseTo(merges.strength[merge], 9);
      });
    }
  });

  it("leaves its input as it was", () => {
    const { graph, features } = example(12, 4);
    const before = structuredClone({ graph, features });
    mergeRegions(graph, features);
    expect({ graph, features }).toEqual(before);
  });

  it("has nothing to do for a single region", () => {
    const { graph, features } = example(1, 4);
    expect(mergeRegions(graph, features).heights.length).toBe(0);
  });

  it("weighs a difference more the larger the smaller region is", () => {
    const { features } = example(2, 8);
    const small = { ...features, size: Float64Array.from([1, 900]) };
    const large = { ...features, size: Float64Array.from([400, 501]) };
    expect(mergeCost(small, 0, 1, 2, 1, 901)).toBeLessThan(mergeCost(large, 0, 1, 2, 1, 901));
    expect(mergeCost(large, 0, 1, 2, 1, 901)).toBe(mergeCost(large, 1, 0, 2, 1, 901));
  });

  it("joins an island more readily than a neighbour", () => {
    const { features } = example(2, 8);
    const island = { ...features, outline: Float64Array.from([2, 40]) };
    const neighbour = { ...features, outline: Float64Array.from([20, 40]) };
    expect(mergeCost(island, 0, 1, 2, 1, 901)).toBeLessThan(mergeCost(neighbour, 0, 1, 2, 1, 901));
  });
});
