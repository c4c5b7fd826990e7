import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import {
  Calibration,
  calibrate,
  EncodedImage,
  inspectCheckpoint,
  type LoadOptions,
  Mask,
  readCalibrationTargets,
  regionStatistics,
  SceneHierarchy,
  UnSAM,
} from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// Every public option on every kind of model: it makes a difference, or it is refused with what to leave out. Limits on
// resources are taken by all and change no answer.

type Model = "region-tree" | "nano" | "unsamv2" | "sam2";
/** What an option does: it changes the answer, changes none (a limit, or what holds anyway), or is refused with a code. */
type Effect = "differs" | "same" | "E_BAD_OPTION" | "E_UNSUPPORTED" | "E_BAD_PROMPT";
type Option = Record<string, unknown>;
/** A model that a row says nothing about is not tried. */
type Row = [option: Option, effects: Effect | Partial<Record<Model, Effect>>];

const MODELS: readonly Model[] = ["region-tree", "nano", "unsamv2", "sam2"];
const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
const config = path.join(fixture, "config.json");
const board = inRepository("docs", "images", "fruit-board.jpg");

let folder: string;
interface Loaded {
  readonly unsam: UnSAM;
  readonly image: EncodedImage;
  /** A ring around a hole. */
  readonly ring: EncodedImage;
}
const loaded = new Map<Model, Loaded>();
/** Options of `UnSAM.load` for each model. */
const sources = new Map<Model, LoadOptions["model"]>();

/** Noise: an untrained network answers it with holes and islands. */
function noise(side: number) {
  return picture(side, (i) => [0, 1, 2].map((c) => (((3 * i + c) * 2654435761) >>> 13) % 256));
}

/** A red ring of 120 pixels around a green square of 20. */
function ring(side: number) {
  return picture(side, (i) => {
    const away = Math.max(Math.abs((i % side) - side / 2), Math.abs(Math.floor(i / side) - side / 2));
    return away < 10 ? [20, 200, 40] : away < 60 ? [200, 30, 30] : [235, 235, 240];
  });
}

function picture(side: number, colour: (pixel: number) => readonly number[]) {
  const data = new Uint8Array(3 * side * side);
  for (let i = 0; i < side * side; i++) data.set(colour(i), 3 * i);
  return { data, width: side, height: side, channels: 3 as const };
}

const isTree = (model: Model) => model === "region-tree" || model === "nano";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-options-"));
  const plain = path.join(folder, "sam2.safetensors");
  await using checkpoint = await openCheckpoint(path.join(fixture, "checkpoint.safetensors"));
  const tensors: TensorToWrite[] = [];
  for (const name of checkpoint.tensors.keys()) {
    if (/gra_token|granularity_embedding|fourier_embedder/.test(name)) continue;
    tensors.push({ name, dtype: "float32", ...(await checkpoint.read(name)) });
  }
  await writeSafetensors(plain, tensors);
  sources.set("region-tree", "region-tree");
  sources.set("nano", "nano");
  sources.set("unsamv2", { checkpoint: path.join(fixture, "checkpoint.safetensors"), config });
  sources.set("sam2", { checkpoint: plain, config });
  for (const model of MODELS) {
    const unsam = await UnSAM.load({ model: sources.get(model) });
    const image = await unsam.encode(isTree(model) ? board : noise(96));
    loaded.set(model, { unsam, image, ring: await unsam.encode(ring(200)) });
  }
}, 120_000);

afterAll(async () => {
  for (const { unsam } of loaded.values()) await unsam.dispose();
  await rm(folder, { recursive: true });
});

function digest(...parts: readonly unknown[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part instanceof Mask ? part.words : (JSON.stringify(part) ?? ""));
  }
  return hash.digest("hex");
}

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

const trees = (effect: Effect, networks: Effect): Partial<Record<Model, Effect>> => ({
  "region-tree": effect,
  nano: effect,
  unsamv2: networks,
  sam2: networks,
});
const byGranularity = (effect: Effect, without: Effect): Partial<Record<Model, Effect>> => ({
  "region-tree": effect,
  nano: effect,
  unsamv2: effect,
  sam2: without,
});

const CLICK = { points: [[40, 40] as const] };

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

describe("UnSAM.load", () => {
  const rows: Row[] = [
    [{ device: "auto" }, "same"],
    [{ device: "cpu" }, "same"],
    [{ device: "cuda" }, { "region-tree": "E_UNSUPPORTED", nano: "E_UNSUPPORTED" }],
    [{ encoder: "auto" }, "same"],
    [{ encoder: "onnx" }, { ...trees("E_UNSUPPORTED", "same"), nano: "same" }],
    [{ encoder: "tensorrt" }, "E_BAD_OPTION"],
    [{ encoder: "native", device: "cuda" }, trees("E_UNSUPPORTED", "E_BAD_OPTION")],
    [{ decoder: "auto" }, "same"],
    [{ decoder: "onnx" }, trees("E_UNSUPPORTED", "same")],
    [{ decoder: "cuda:7" }, { "region-tree": "E_UNSUPPORTED", nano: "E_UNSUPPORTED" }],
    [{ precision: "float32" }, "same"],
    [{ precision: "auto" }, "same"],
    [{ precision: "bfloat16", decoder: "onnx" }, trees("E_UNSUPPORTED", "E_BAD_OPTION")],
    [{ threads: 1 }, "same"],
    [{ threads: 0 }, "E_BAD_OPTION"],
    [{ offline: true }, "same"],
    [{ offline: 1 }, "E_BAD_OPTION"],
    [{ onProgress: "tell me" }, "E_BAD_OPTION"],
    [{ device: "gpu" }, "E_BAD_OPTION"],
    [{ modell: "nano" }, "E_BAD_OPTION"],
  ];
  describe.each(MODELS)("%s", (model) => {
    const told = rows.filter(([, effects]) => typeof effects === "string" || effects[model]);
    it.each(told)("%j", { timeout: 60_000 }, async (option, effects) => {
      const effect = typeof effects === "string" ? effects : effects[model]!;
      const loading = UnSAM.load({ model: sources.get(model), cacheDir: folder, ...option } as LoadOptions);
      if (effect === "same") {
        await using unsam = await loading;
        const own = loaded.get(model)!.unsam.model;
        expect(unsam.model).toMatchObject({ name: own.name, device: "cpu" });
        for (const reason of Object.values(unsam.model.reasons)) expect(reason).toMatch(/^.{10,}\.$/s);
        return;
      }
      await expect(loading).rejects.toMatchObject({ code: effect });
    });
  });

  it.each([{ device: "cuda" }, { decoder: "cuda:7" }] as const)(
    "%j on a network: runs there, or says that it cannot",
    { timeout: 60_000 },
    async (option) => {
      const loading = UnSAM.load({ model: sources.get("unsamv2"), cacheDir: folder, ...option });
      const told = await loading.then(
        async (unsam) => {
          const { device, reasons } = unsam.model;
          await unsam.dispose();
          return { code: "E_UNSUPPORTED", message: `${device} ${reasons.device} ${reasons.decoder}` };
        },
        (error) => error,
      );
      expect(["E_UNSUPPORTED", "E_BAD_OPTION"]).toContain(told.code);
      expect(told.message).toMatch(/CUDA|cuda/);
    },
  );

  it("names everything that a built-in model cannot do at once", async () => {
    const options = { model: "nano", decoder: "cuda:7", precision: "bfloat16", device: "cuda" } as const;
    await expect(UnSAM.load(options)).rejects.toThrow(
      'The model "nano" has no part that could do device: "cuda", decoder: "cuda:7", precision: "bfloat16"; ' +
        "leave them out.",
    );
  });

  it.each([
    [{ checkpoint: "a.pt", confg: "b.json" }, /model: there is no option "confg"/],
    [{ weights: "ema" }, /give "region-tree", "nano", .*"unsamv2", .*or \{ checkpoint/],
    ["sam2", /give "region-tree", "nano", .*"sam2.1-small"/],
  ])("refuses the model %j", async (model, message) => {
    await expect(UnSAM.load({ model } as never)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringMatching(message),
    });
  });

  it("says what auto chose and why", () => {
    const { device, encoder, decoder, kernels, reasons } = loaded.get("unsamv2")!.unsam.model;
    expect(loaded.get("nano")!.unsam.model.encoder).toBe(encoder);
    expect(loaded.get("nano")!.unsam.model.reasons.encoder).toBe(reasons.encoder);
    expect(encoder).toBe(decoder);
    expect(reasons.encoder).toMatch(encoder === "native" ? /has kernels for the model/ : /./);
    expect(device).toBe("cpu");
    expect(reasons.device).toBe('CUDA is used only where it is asked for (device: "cuda").');
    expect(reasons.decoder).toMatch(decoder === "native" ? /fits the model/ : /./);
    expect(kernels === "native").toBe(decoder === "native");
    expect(loaded.get("nano")!.unsam.model.reasons.decoder).toMatch(/no mask decoder/);
  });
});

describe("keys that do not exist", () => {
  const { signal } = new AbortController();
  const bad = { code: "E_BAD_OPTION", message: expect.stringContaining('there is no option "sginal"') };
  const wrong = { sginal: signal } as never;

  it("are refused by everything that takes options", async () => {
    const { unsam, image } = loaded.get("region-tree")!;
    const made = await image.everything({ granularity: 0.5 });
    const segment = await image.segment(CLICK);
    const ladder = await image.ladder(CLICK, { levels: 2 });
    const logits = { count: 1, width: 2, height: 2, data: new Float32Array(4) };
    const calls: Record<string, () => unknown> = {
      encode: () => unsam.encode(board, wrong),
      encodeAll: () => unsam.encodeAll([board], wrong),
      segment: () => image.segment(CLICK, wrong),
      segmentAll: () => image.segmentAll([CLICK], wrong),
      ladder: () => image.ladder(CLICK, wrong),
      everything: () => image.everything(wrong),
      generateMasks: () => image.generateMasks(wrong),
      finer: () => segment.finer(wrong),
      coarser: () => segment.coarser(wrong),
      overlay: () => segment.overlay(wrong),
      toSheet: () => ladder.toSheet(wrong),
      sceneOverlay: () => made.overlay(wrong),
      toCOCO: () => made.toCOCO(wrong),
      merge: () => made.merge(made, wrong),
      save: () => made.save(path.join(folder, "scene.json"), wrong),
      loadImage: () => EncodedImage.load(unsam, path.join(folder, "image"), wrong),
      load: () => SceneHierarchy.load(path.join(folder, "scene.json"), wrong),
      fromLogits: () => SceneHierarchy.fromLogits(logits, { scores: [1], granularities: [1] }, wrong),
      calibrate: () => calibrate([image], { medianRegionArea: 0.1 }, wrong),
      regionStatistics: () => regionStatistics([image], 0.5, wrong),
      readCalibration: () => Calibration.read(path.join(folder, "calibration.json"), wrong),
      readTargets: () => readCalibrationTargets(path.join(folder, "targets.json"), wrong),
      inspect: () => inspectCheckpoint(path.join(fixture, "checkpoint.safetensors"), wrong),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await Promise.resolve()
        .then(call)
        .catch((caught) => caught);
      expect(error, name).toMatchObject(bad);
    }
  });

  it("are refused in prompts", async () => {
    const { image } = loaded.get("region-tree")!;
    for (const [prompt, message] of [
      [{ point: [[1, 1]] }, /A prompt has no "point"; it has points, box, mask, granularity/],
      [{ points: [{ x: 1, y: 1, lable: 0 }] }, /Point 0 has no "lable"; it has x, y, label/],
    ] as const) {
      await expect(image.segment(prompt as never)).rejects.toMatchObject({
        code: "E_BAD_PROMPT",
        message: expect.stringMatching(message),
      });
    }
    await expect(image.ladder({ ...CLICK, granularity: 0.5 })).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
      message: expect.stringMatching(/leave granularity out of the prompt/),
    });
  });

  it("are refused in the goals of a calibration, and so is a grid where labels name their clicks", async () => {
    const { image } = loaded.get("region-tree")!;
    await expect(calibrate([image], { medianArea: 0.1 } as never)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringContaining('there is no option "medianArea"'),
    });
    const mask = (await image.segment(CLICK)).mask;
    await expect(calibrate([image], [{ prompt: CLICK, mask }], { pointsPerSide: 8 })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
      message: expect.stringContaining("leave it out"),
    });
  });

  it("options that are no object are refused", async () => {
    const { image } = loaded.get("region-tree")!;
    for (const options of ["fast", 3, null, [1]]) {
      await expect(image.segment(CLICK, options as never)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });
});

describe("a configuration of a published size", () => {
  it("is held against what the tensors do not tell", async () => {
    const { officialConfig, modelTensors, resolveModel } = await import("@unsam/core/models");
    const tensors = new Map(
      [...modelTensors(officialConfig("small"), { granularity: false })].map(([name, shape]) => [
        name,
        { shape },
      ]),
    );
    const read = () => Promise.reject(new Error("nothing is read"));
    const model = (trunk: object, more: object = {}) =>
      resolveModel(
        { tensors, read },
        {
          image_size: 1024,
          image_encoder: {
            trunk: {
              embed_dim: 96,
              num_heads: 1,
              stages: [1, 2, 11, 2],
              global_att_blocks: [7, 10, 13],
              window_pos_embed_bkg_spatial_size: [7, 7],
              ...trunk,
            },
            neck: { fpn_top_down_levels: [2, 3] },
          },
          ...more,
        },
      );
    expect(model({}).config.imageSize).toBe(1024);
    expect(model({}, { image_size: 512 }).config.imageSize).toBe(512);
    for (const [trunk, message] of [
      [
        { num_heads: 2 },
        /size small, whose image_encoder\.trunk\.num_heads is 1, but the configuration says 2/,
      ],
      [
        { global_att_blocks: [7, 10] },
        /trunk\.global_att_blocks is \[7,10,13\], but the configuration says \[7,10\]/,
      ],
      [{ window_spec: [8, 4, 14, 8] }, /trunk\.window_spec/],
    ] as const) {
      expect(() => model(trunk)).toThrow(
        expect.objectContaining({ code: "E_BAD_CONFIG", message: expect.stringMatching(message) }),
      );
    }
  });
});
