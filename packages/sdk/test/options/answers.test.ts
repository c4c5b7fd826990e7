import type { EncodedImage } from "@unsam/sdk";
import { describe, expect, it } from "vitest";
import {
  byGranularity,
  CLICK,
  digest,
  type Effect,
  isTree,
  MODELS,
  type Model,
  type Option,
  type Row,
  trees,
  useModels,
} from "./models.js";

// What is asked of an image: each option changes the answer, changes none, or is refused.

const { loaded } = useModels();

/** Runs every row of a table on every model. `base`: options that hold in all rows, so that rows can make a difference. */
function table(
  name: string,
  rows: readonly Row[],
  answer: (image: EncodedImage, options: object, model: Model) => Promise<string>,
  base: (model: Model) => object = () => ({}),
): void {
  const spoken = MODELS.filter((model) =>
    rows.some(([, effects]) => typeof effects === "string" || effects[model] !== undefined),
  );
  describe.each(spoken)(`${name} on %s`, (model) => {
    const told = rows.flatMap(([option, effects]): [Option, Effect][] => {
      const effect = typeof effects === "string" ? effects : effects[model];
      return effect === undefined ? [] : [[option, effect]];
    });
    let without: Promise<string> | undefined;
    it.each(told)("%j: %s", { timeout: 60_000 }, async (option, effect) => {
      const { image } = loaded.get(model)!;
      const asked = async () => answer(image, { ...base(model), ...option }, model);
      if (effect !== "differs" && effect !== "same") {
        const error = await asked().catch((caught) => caught);
        expect(error).toMatchObject({ name: "UnSAMError", code: effect });
        if (effect !== "E_BAD_PROMPT") expect(error.message).toContain(Object.keys(option)[0]);
        return;
      }
      without ??= answer(image, base(model), model);
      if (effect === "same") expect(await asked()).toBe(await without);
      else expect(await asked()).not.toBe(await without);
    });
  });
}

const SEGMENT: Row[] = [
  [{ multimask: true }, trees("E_UNSUPPORTED", "differs")],
  [{ multimask: false }, "same"],
  [{ multimask: 1 }, "E_BAD_OPTION"],
  [{ maxHoleArea: 3000 }, { "region-tree": "differs", unsamv2: "differs", sam2: "differs" }],
  [{ maxSprinkleArea: 3000 }, { "region-tree": "differs", nano: "differs", unsamv2: "differs" }],
  [{ maxHoleArea: -1 }, "E_BAD_OPTION"],
  [{ maxHoleArea: Number.POSITIVE_INFINITY }, "E_BAD_OPTION"],
  [{ signal: new AbortController().signal }, "same"],
  [{ granularity: 0.5 }, "E_BAD_OPTION"],
  [{ multiMask: true }, "E_BAD_OPTION"],
];

table("segment", SEGMENT, async (image, options, model) => {
  // A tree's answer to a box is a union of regions, which may have islands.
  const prompt = isTree(model) ? { box: [71, 29, 148, 122] } : CLICK;
  const answers = [await image.segment(prompt, options)];
  if (isTree(model)) {
    const { ring } = loaded.get(model)!;
    answers.push(await ring.segment({ points: [[60, 100]], granularity: 0 }, options));
  }
  return digest(...answers.flatMap(({ mask, score, candidates }) => [mask, score, candidates.length]));
});

table(
  "ladder",
  [
    [{ multimask: true }, { ...trees("E_UNSUPPORTED", "differs"), sam2: "E_BAD_PROMPT" }],
    [{ maxHoleArea: 3000 }, { unsamv2: "differs" }],
    [{ maxSprinkleArea: 3000 }, { unsamv2: "differs" }],
    [{ levels: 3 }, byGranularity("differs", "E_BAD_PROMPT")],
    [{ nested: true }, { "region-tree": "same", nano: "same", unsamv2: "differs", sam2: "E_BAD_PROMPT" }],
    [{ nested: "yes" }, "E_BAD_OPTION"],
    [{ level: 3 }, "E_BAD_OPTION"],
    [{ granularity: 0.5 }, "E_BAD_OPTION"],
  ],
  async (image, options, model) => {
    const ladder = await image.ladder(isTree(model) ? { points: [[323, 123]] } : CLICK, options);
    return digest(...ladder.segments.flatMap(({ mask, score }) => [mask, score]));
  },
);

/**
 * What lets every row make a difference: thresholds that the untrained network's masks pass, few clicks, and for trees a
 * setting at which a click is not the whole photo.
 */
const base = (model: Model) => ({
  ...(isTree(model) ? {} : { predictedIou: 0, stability: 0, pointsPerSide: 4 }),
  ...(model === "unsamv2" ? { granularity: [0.2, 0.9] as const } : {}),
});
const clicked = (model: Model) => ({
  ...base(model),
  ...(isTree(model) ? { granularity: [0.2, 0.5] as const } : {}),
  prompting: "grid" as const,
  pointsPerSide: 4,
});
const official = (model: Model) => ({
  predictedIou: 0,
  stability: 0,
  pointsPerSide: 4,
  ...(model === "sam2" ? {} : { granularity: 0.3 }),
});

const scene = async (image: EncodedImage, options: object) => {
  const { masks } = await image.everything(options);
  return digest(...masks.flatMap(({ mask, score, granularity }) => [mask, score, granularity]));
};

// Masks of an untrained network fill their crops, and are dropped there as cut off; crops are tried on trees.
table(
  "everything",
  [
    [{ granularity: 0.4 }, byGranularity("differs", "E_BAD_PROMPT")],
    [{ levels: 3 }, { ...trees("E_BAD_OPTION", "differs"), sam2: "E_UNSUPPORTED" }],
    [
      { levels: 3, granularity: 0.5 },
      { ...trees("E_BAD_OPTION", "E_BAD_OPTION"), sam2: "E_BAD_PROMPT" },
    ],
    [
      { levels: 3, granularity: [0.1, 0.5, 1] },
      { ...trees("E_BAD_OPTION", "E_BAD_OPTION"), sam2: "E_BAD_PROMPT" },
    ],
    [{ pointsPerSide: 5 }, trees("E_BAD_OPTION", "differs")],
    [{ cropLayers: 1 }, { "region-tree": "E_BAD_OPTION", nano: "E_BAD_OPTION" }],
    [{ minRegionArea: 300 }, "differs"],
    [{ predictedIou: 1 }, "differs"],
    [{ stability: 1 }, "differs"],
    [{ prompting: "grid" }, "differs"],
    [{ prompting: "regions" }, trees("same", "E_UNSUPPORTED")],
    [{ onProgress: () => {} }, "same"],
    [{ multimask: true }, "E_BAD_OPTION"],
  ],
  scene,
  base,
);

table(
  "everything by clicks",
  [
    [{ levels: 3 }, { "region-tree": "differs", nano: "differs", sam2: "E_UNSUPPORTED" }],
    [{ levels: 3, granularity: 0.5 }, byGranularity("E_BAD_OPTION", "E_BAD_PROMPT")],
    [{ pointsPerSide: 5 }, "differs"],
    [{ cropLayers: 1 }, { "region-tree": "differs" }],
    [{ minRegionArea: 300 }, { unsamv2: "differs", sam2: "differs" }],
    [{ predictedIou: 1 }, "differs"],
    [{ stability: 1 }, "differs"],
  ],
  scene,
  clicked,
);

const OFFICIAL = async (image: EncodedImage, options: object) => {
  const masks = await image.generateMasks(options);
  return digest(...masks.flatMap(({ mask, score }) => [mask, score]));
};

table(
  "generateMasks",
  [
    [{ granularity: 0.7 }, byGranularity("differs", "E_BAD_PROMPT")],
    [{ pointsPerSide: 5 }, "differs"],
    [{ pointsPerBatch: 3 }, "same"],
    [{ predictedIou: 1 }, "differs"],
    [{ stability: 1 }, "differs"],
    [{ multimask: true }, trees("E_UNSUPPORTED", "same")],
    [{ multimask: false }, trees("same", "differs")],
    [{ refine: true }, trees("E_UNSUPPORTED", "differs")],
    [{ refine: false }, "same"],
    [{ boxIoU: 1 }, { unsamv2: "differs", sam2: "differs" }],
    [{ cropIoU: 0.3 }, "E_BAD_OPTION"],
    [{ cropOverlap: 0.2 }, "E_BAD_OPTION"],
    [{ cropPointsDownscale: 2 }, "E_BAD_OPTION"],
    [{ cropLayers: 1 }, { "region-tree": "differs" }],
    [{ minRegionArea: 300 }, { unsamv2: "differs", sam2: "differs" }],
    [{ prompting: "grid" }, "E_BAD_OPTION"],
  ],
  OFFICIAL,
  official,
);

table(
  "generateMasks in crops",
  [
    [{ cropIoU: 0.01 }, { "region-tree": "differs" }],
    [{ cropOverlap: 0.05 }, { "region-tree": "differs" }],
    [{ cropPointsDownscale: 2 }, { "region-tree": "differs" }],
  ],
  OFFICIAL,
  (model) => ({ ...official(model), cropLayers: 1 }),
);
