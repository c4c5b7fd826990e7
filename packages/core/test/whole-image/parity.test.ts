import { readFileSync } from "node:fs";
import { loadNative } from "@unsam/native-cuda";
import { describeWithShared, shared } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultCacheDir, type Engine } from "#core/engine/index.js";
import { openModel } from "#core/families/index.js";
import { decodeImage } from "#core/image/index.js";
import { Mask, unpackMask } from "#core/mask/index.js";
import {
  type GeneratedMasks,
  type GenerationSource,
  generateMasks,
  OFFICIAL_OPTIONS,
  type WholeImageOptions,
} from "#core/whole-image/index.js";

/** One run of the official generator, as in `whole-image.json` of a parity fixture. */
interface Run {
  readonly id: string;
  readonly image: string;
  readonly granularity: number | null;
  readonly options: Record<string, number | boolean>;
  readonly masks: readonly {
    readonly size: [number, number];
    readonly counts: number[];
    readonly area: number;
    readonly bbox: [number, number, number, number];
    readonly predicted_iou: number;
    readonly stability_score: number;
    readonly point: [number, number];
    readonly crop_box: [number, number, number, number];
  }[];
}

const NAMES: Record<string, keyof WholeImageOptions> = {
  points_per_side: "pointsPerSide",
  points_per_batch: "pointsPerBatch",
  pred_iou_thresh: "predictedIou",
  stability_score_thresh: "stability",
  multimask_output: "multimask",
  box_nms_thresh: "boxIoU",
  use_m2m: "refine",
  crop_n_layers: "cropLayers",
  crop_nms_thresh: "cropIoU",
};

function optionsOf({ options, granularity }: Run): WholeImageOptions {
  const ours = Object.entries(options).map(([name, value]) => {
    if (!NAMES[name]) throw new Error(`There is no option for ${name}.`);
    return [NAMES[name], value];
  });
  return { ...OFFICIAL_OPTIONS, ...Object.fromEntries(ours), levels: [granularity] };
}

async function finish(source: GenerationSource, options: WholeImageOptions): Promise<GeneratedMasks> {
  const steps = generateMasks(source, options);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
  }
}

const native = await loadNative({ cacheDir: defaultCacheDir() });
const engines = [
  { decoder: "onnx" as const, addon: null },
  ...(native.binding ? [{ decoder: "native" as const, addon: { addon: native.path, threads: 2 } }] : []),
];

describeWithShared("the official whole-image generator", () => {
  const fixture = "unsamv2-mini";
  const runs: Run[] = JSON.parse(readFileSync(shared("parity", fixture, "whole-image.json"), "utf8"));

  describe.each(engines)("with the $decoder decoder", ({ decoder, addon }) => {
    let engine: Engine;
    beforeAll(async () => {
      const checkpoint = shared("parity", fixture, "checkpoint.pt");
      const config = shared("parity", fixture, "config.json");
      engine = await openModel({ checkpoint, config }, { encoder: decoder, decoder, threads: 2 });
    });
    afterAll(() => engine.dispose());

    it.each(runs)("$id", async (run) => {
      const image = await engine.encode(await decodeImage(shared("parity", fixture, run.image)), {});
      const { masks } = await finish({ image, crop: null, addon }, optionsOf(run));
      await image.dispose();
      expect(masks.length).toBe(run.masks.length);
      for (const [i, found] of masks.entries()) {
        const wanted = run.masks[i];
        expect(Math.abs(found.point[0] - wanted.point[0])).toBeLessThan(1e-3);
        expect(Math.abs(found.point[1] - wanted.point[1])).toBeLessThan(1e-3);
        expect(Math.abs(found.predictedIou - wanted.predicted_iou)).toBeLessThan(1e-4);
        expect(Math.abs(found.stability - wanted.stability_score)).toBeLessThan(1e-4);
        const { width, height, box } = found.mask;
        const mask = new Mask(width, height, unpackMask(found.mask));
        expect(mask.iou(Mask.fromRLE(wanted))).toBeGreaterThanOrEqual(0.999);
        expect(mask.area).toBe(found.mask.area);
        const [x, y, w, h] = wanted.bbox;
        expect([box[0], box[1], box[2] - box[0], box[3] - box[1]]).toEqual([x, y, w, h]);
        const [x0, y0, x1, y1] = found.cropBox;
        expect([x0, y0, x1 - x0, y1 - y0]).toEqual(wanted.crop_box);
      }
    });
  });
});
