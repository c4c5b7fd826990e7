import { expect, it } from "vitest";
import {
  buildForest,
  finestLabels,
  fuseLabels,
  fuseLogits,
  labelMapAt,
  maskStatistics,
  pairwiseOverlaps,
  removeDuplicates,
  suppressBoxes,
} from "#core/hierarchy/index.js";
import { describeTwins, expectSameBits, THRESHOLDS, WORK } from "./addon.js";
import { randomScene } from "./scenes.js";

const SEEDS = Array.from({ length: 80 }, (_, i) => i + 1);

describeTwins("hierarchical fusion", (binding) => {
  it("stage by stage: statistics, overlaps, duplicates, boxes, forest, label maps, fused map", async () => {
    for (const seed of SEEDS) {
      const { maps, scores, granularities, random } = randomScene(seed);
      const what = `seed ${seed}`;
      const thresholds = { threshold: random.int(-1, 1), stabilityOffset: random.int(0, 2) };
      const statistics = maskStatistics(maps, thresholds);
      expect(await binding.maskStatistics(maps, { ...thresholds, ...WORK }), what).toEqual(statistics);

      const { masks, boxes, areas } = statistics;
      const overlaps = pairwiseOverlaps(masks, boxes);
      expect(await binding.pairwiseOverlaps(masks, boxes, WORK), what).toEqual(overlaps);

      const maxIoU = random.int(0, 10) / 10;
      expectSameBits(
        await binding.removeDuplicates(areas, scores, overlaps, { maxIoU }),
        removeDuplicates(areas, scores, overlaps, maxIoU),
        what,
      );
      expectSameBits(
        await binding.suppressBoxes(Float64Array.from(boxes), scores, { maxIoU }),
        suppressBoxes(boxes, scores, maxIoU),
        what,
      );

      const containment = random.int(5, 10) / 10;
      const forest = buildForest(areas, scores, granularities, overlaps, containment);
      expect(
        await binding.buildForest(areas, scores, granularities, overlaps, { containment }),
        what,
      ).toEqual(forest);

      const finest = finestLabels(masks, forest);
      expectSameBits(await binding.finestLabels(masks, forest, WORK), finest, what);
      for (const granularity of [0, random.next(), 1]) {
        expectSameBits(
          await binding.labelMapAt(finest, forest, granularity, WORK),
          labelMapAt(finest, forest, granularity),
          what,
        );
      }
      expect(await binding.fuseLabels(finest, forest, maps, WORK), what).toEqual(
        fuseLabels(finest, forest, maps.width, maps.height),
      );
    }
  });

  it("all in one call", async () => {
    for (const seed of SEEDS) {
      const { maps, scores, granularities, random } = randomScene(seed + 1000);
      const options = {
        ...THRESHOLDS,
        maxIoU: random.int(3, 10) / 10,
        containment: random.int(5, 10) / 10,
        minArea: random.int(0, 60),
      };
      const scene = await binding.fuseLogits(maps, scores, granularities, { ...options, ...WORK });
      expect(scene, `seed ${seed}`).toEqual(fuseLogits(maps, scores, granularities, options));
    }
  });

  it("the same with 1, 2 and 8 threads", async () => {
    const { maps, scores, granularities } = randomScene(9);
    const options = { ...THRESHOLDS, maxIoU: 0.9, containment: 0.8, minArea: 1 };
    const twin = fuseLogits(maps, scores, granularities, options);
    for (const threads of [1, 2, 8]) {
      expect(await binding.fuseLogits(maps, scores, granularities, { ...options, threads })).toEqual(twin);
    }
  });
});
