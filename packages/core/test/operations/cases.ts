import { readFileSync } from "node:fs";
import { inRepository, shared, sharedRoot } from "@unsam/test-support";
import {
  buildForest,
  finestLabels,
  type LogitMaps,
  maskStatistics,
  pairwiseOverlaps,
} from "#core/fusion/index.js";
import { decodeImage } from "#core/image/index.js";
import { parseNpy } from "#core/npy.js";
import type { OPERATIONS, Operation } from "#core/operations/index.js";
import type { LearnedCues } from "#core/region-tree/index.js";
import { shrinkImage } from "#core/region-tree/working-image.js";
import { Random } from "../fusion/random.js";
import { drawImage, randomScene } from "./random-scenes.js";

type Arguments<Op> = Op extends Operation<infer Args, unknown> ? Args : never;

/** Arguments to run an operation with, on every backend. The compiler asks for a list for each operation. */
export type Cases = {
  readonly [Name in keyof typeof OPERATIONS]: () =>
    | Iterable<Arguments<(typeof OPERATIONS)[Name]>>
    | AsyncIterable<Arguments<(typeof OPERATIONS)[Name]>>;
};

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

/** A random scene, and what fusion makes of it step by step. */
function fused(seed: number) {
  const { maps, scores, granularities, random } = randomScene(seed);
  const thresholds = { threshold: random.int(-1, 1), stabilityOffset: random.int(0, 2) };
  const { masks, boxes, areas } = maskStatistics(maps, thresholds);
  const overlaps = pairwiseOverlaps(masks, boxes);
  const containment = random.int(5, 10) / 10;
  const forest = buildForest(areas, scores, granularities, overlaps, containment);
  return { maps, scores, granularities, random, masks, boxes, areas, overlaps, containment, forest };
}

/** What no network has seen: a border along some columns, heights and places at random, and cells beyond the image's own. */
function randomCues(width: number, height: number): LearnedCues {
  const random = new Random(width + height);
  const columns = Math.ceil(width / 2) + random.int(0, 3);
  const rows = Math.ceil(height / 2) + random.int(0, 3);
  const dimensions = 3;
  const plane = (value: (i: number) => number) =>
    Float32Array.from({ length: rows * columns }, (_, i) => value(i));
  return {
    ...{ columns, rows, dimensions },
    border: plane((i) => ((i % columns) % 17 === 0 ? random.int(500, 1000) : random.int(0, 200)) / 1000),
    height: plane(() => random.int(0, 1000) / 1000),
    metric: Float32Array.from({ length: dimensions * rows * columns }, () => random.int(-1000, 1000) / 700),
  };
}

export const CASES: Cases = {
  *finishMasks() {
    for (const seed of SEEDS) {
      const { maps, random } = randomScene(seed);
      yield [maps, { width: random.int(1, 150), height: random.int(1, 90) }];
    }
    // Values next to the thresholds, where rounding decides.
    for (const seed of SEEDS.slice(0, 20)) {
      const { maps, random } = randomScene(seed);
      const data = maps.data.map(() => random.int(-1, 1) + random.int(-4, 4) * 2 ** -23);
      yield [
        { ...maps, data },
        { width: random.int(1, 150), height: random.int(1, 90) },
      ];
    }
    // One array a map.
    const { maps } = randomScene(7);
    const size = maps.height * maps.width;
    const data = Array.from({ length: maps.count }, (_, k) => maps.data.subarray(k * size, (k + 1) * size));
    yield [
      { ...maps, data },
      { width: 133, height: 77 },
    ];
    if (sharedRoot) yield* parityMaps();
  },

  *cleanLogits() {
    for (const seed of SEEDS) {
      const { maps, random } = randomScene(seed);
      yield [maps, { maxHoleArea: random.int(0, 30), maxSprinkleArea: random.int(0, 30) }];
    }
    const { maps } = randomScene(3);
    for (const area of [0, 0.5, 1e9, Number.POSITIVE_INFINITY]) {
      yield [maps, { maxHoleArea: area, maxSprinkleArea: area }];
    }
  },

  *maskStatistics() {
    for (const seed of SEEDS) {
      const { maps, random } = randomScene(seed);
      yield [maps, { threshold: random.int(-1, 1), stabilityOffset: random.int(0, 2) }];
    }
  },

  *pairwiseOverlaps() {
    for (const seed of SEEDS) {
      const { masks, boxes } = fused(seed);
      yield [masks, boxes];
    }
  },

  *removeDuplicates() {
    for (const seed of SEEDS) {
      const { areas, scores, overlaps, random } = fused(seed);
      yield [areas, scores, overlaps, random.int(0, 10) / 10];
    }
  },

  *suppressBoxes() {
    for (const seed of SEEDS) {
      const { boxes, scores, random } = fused(seed);
      yield [Float64Array.from(boxes), scores, random.int(0, 10) / 10];
    }
  },

  *buildForest() {
    for (const seed of SEEDS) {
      const { areas, scores, granularities, overlaps, containment } = fused(seed);
      yield [areas, scores, granularities, overlaps, containment];
    }
  },

  *fuseLabels() {
    for (const seed of SEEDS) {
      const { masks, forest, maps } = fused(seed);
      yield [finestLabels(masks, forest), forest, maps.width, maps.height];
    }
  },

  async *buildRegionHierarchy() {
    for (const file of ["dragonfruit.jpg", "fruit-board.jpg", "juice.jpg"]) {
      const image = shrinkImage(await decodeImage(inRepository("docs", "images", file)), 480);
      yield file === "juice.jpg" ? [image, randomCues(image.width, image.height)] : [image];
    }
    for (const [width, height] of [
      [1, 1],
      [3, 2],
      [64, 48],
      [201, 133],
    ]) {
      const image = { width, height, data: drawImage(new Random(width), width, height) };
      yield [image];
      yield [image, randomCues(width, height)];
    }
  },

  *mergePatches() {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const [height, width, channels] = [random.int(1, 12), random.int(1, 12), random.int(1, 40)];
      const data = Float32Array.from({ length: height * width * channels }, () => random.normal());
      // Patches of zeros, and patches alike.
      if (random.next() < 0.5) data.fill(0, 0, channels);
      if (random.next() < 0.5) data.copyWithin(channels, 0, channels);
      yield [{ height, width, channels, data }];
    }
  },
};

/** The official logits of every parity case, at the size of its photo. */
function* parityMaps(): Generator<[LogitMaps, { width: number; height: number }]> {
  for (const set of ["unsamv2-mini", "sam21-mini"]) {
    const prompts = JSON.parse(readFileSync(shared("parity", set, "prompts.json"), "utf8")) as {
      images: { id: string; width: number; height: number }[];
      cases: { image: string; expected: { low_res_logits: { file: string } } }[];
    };
    for (const { image, expected } of prompts.cases) {
      const size = prompts.images.find(({ id }) => id === image)!;
      const file = shared("parity", set, expected.low_res_logits.file);
      const { data, shape } = parseNpy(readFileSync(file), file);
      const [height, width] = shape.slice(-2);
      const maps = { count: data.length / (height * width), height, width, data };
      yield [maps, { width: size.width, height: size.height }];
    }
  }
}
