import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  Calibration,
  type CalibrationGoal,
  calibrate,
  type EncodedImage,
  Mask,
  regionStatistics,
  UnSAM,
} from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SIZE = { width: 192, height: 144 };
const WHOLE = 48;
const PART = 16;

/** Numbers from 0 to 1 that a seed determines. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Wholes of 48 × 48 pixels in strong colours, each of nine parts of 16 × 16 in shades of it, with some noise. */
function mosaic(seed: number) {
  const random = numbers(seed);
  const columns = SIZE.width / WHOLE;
  const colours = Array.from({ length: columns * (SIZE.height / WHOLE) }, (_, i) => {
    const turn = 2 * Math.PI * (i * 0.618 + random());
    return [128 + 90 * Math.cos(turn), 128 + 90 * Math.cos(turn + 2.1), 128 + 90 * Math.cos(turn + 4.2)];
  });
  const shades = Array.from({ length: 9 * colours.length }, () => 50 * (random() - 0.5));
  const data = new Uint8Array(3 * SIZE.width * SIZE.height);
  for (let y = 0, at = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const whole = Math.floor(y / WHOLE) * columns + Math.floor(x / WHOLE);
      const part = 9 * whole + 3 * (Math.floor(y / PART) % 3) + (Math.floor(x / PART) % 3);
      for (const channel of colours[whole]) {
        data[at++] = Math.max(0, Math.min(255, channel + shades[part] + 6 * (random() - 0.5)));
      }
    }
  }
  return { ...SIZE, data, channels: 3 as const };
}

/** The whole, or the part, around a point. */
function regionAt(x: number, y: number, side: number): Mask {
  const bytes = Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, i) => {
    const [px, py] = [i % SIZE.width, Math.floor(i / SIZE.width)];
    return Math.floor(px / side) === Math.floor(x / side) && Math.floor(py / side) === Math.floor(y / side)
      ? 1
      : 0;
  });
  return Mask.fromBytes(SIZE.width, SIZE.height, bytes);
}

let unsam: UnSAM;
let folder: string;
const fitted: EncodedImage[] = [];
const heldOut: EncodedImage[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-calibration-"));
  unsam = await UnSAM.load({ model: "region-tree" });
  for (let k = 0; k < 4; k++) {
    fitted.push(await unsam.encode(mosaic(k + 1)));
    heldOut.push(await unsam.encode(mosaic(k + 101)));
  }
});
afterAll(async () => {
  await unsam.dispose();
  await rm(folder, { recursive: true, force: true });
});

const targetsOf = (side: number, granularity?: number | "fine") =>
  fitted.map((_, image) => {
    const [x, y] = [WHOLE * (image % 4) + 22.5, WHOLE * (image % 3) + 25.5];
    return { image, prompt: { points: [[x, y]] as const, granularity }, mask: regionAt(x, y, side) };
  });

async function meanIou(images: readonly EncodedImage[], side: number, granularity?: number): Promise<number> {
  let sum = 0;
  for (const [i, image] of images.entries()) {
    const [x, y] = [WHOLE * ((i + 1) % 4) + 24.5, WHOLE * ((i + 2) % 3) + 23.5];
    const { mask } = await image.segment({ points: [[x, y]], granularity });
    sum += mask.iou(regionAt(x, y, side));
  }
  return sum / images.length;
}

describe("calibrate with a statistic", () => {
  const goals: [CalibrationGoal, "regionsPerImage" | "medianRegionArea" | "medianRegionShare", number][] = [
    [{ medianRegionArea: WHOLE ** 2 }, "medianRegionArea", WHOLE ** 2],
    [{ medianRegionArea: PART ** 2, granularity: "fine" }, "medianRegionArea", PART ** 2],
    [
      { medianRegionArea: WHOLE ** 2 / (SIZE.width * SIZE.height) },
      "medianRegionShare",
      WHOLE ** 2 / (SIZE.width * SIZE.height),
    ],
    [{ regionsPerImage: 12 }, "regionsPerImage", 12],
  ];

  it.each(goals)(
    "%j is met on held-out images to within a third",
    async (goal, statistic, wanted) => {
      const calibration = await calibrate(fitted, goal, { pointsPerSide: 8 });
      expect(Math.abs(Math.log(calibration.fit!.after / wanted))).toBeLessThan(Math.log(1.25));
      await using calibrated = await UnSAM.load({ model: "region-tree", calibration });
      const images: EncodedImage[] = [];
      for (let k = 0; k < heldOut.length; k++) images.push(await calibrated.encode(mosaic(k + 101)));
      const granularity = "granularity" in goal && goal.granularity !== undefined ? goal.granularity : 1;
      const found = await regionStatistics(images, granularity, { pointsPerSide: 8 });
      expect(Math.abs(Math.log(found[statistic] / wanted))).toBeLessThan(Math.log(4 / 3));
    },
    120_000,
  );

  it.each<[unknown, RegExp]>([
    [{ medianRegionArea: 0 }, /medianRegionArea is 0/],
    [{ medianRegionArea: Number.NaN }, /NaN/],
    [{ regionsPerImage: 500 }, /regionsPerImage is 500/],
    [{ regionsPerImage: 12, medianRegionArea: 3 }, /goal/],
    [{ medianRegionArea: 300, granularity: "auto" }, /auto/],
    [{ medianRegionArea: 300, granularity: 3 }, /3/],
    [{}, /goal/],
    [null, /goal/],
    [[], /no labelled regions/],
    [{ medianRegionArea: 27_000 }, /27000/],
  ])("refuses the goal %j", async (goal, reason) => {
    const asked = calibrate(fitted.slice(0, 1), goal as CalibrationGoal, { pointsPerSide: 6 });
    await expect(asked).rejects.toMatchObject({
      code: expect.stringMatching(/E_BAD/),
      message: expect.stringMatching(reason),
    });
  });
});

describe("calibrate with labelled regions", () => {
  it("makes granularity mean them, on held-out images too", async () => {
    const calibration = await calibrate(fitted, targetsOf(WHOLE));
    const { fit } = calibration;
    expect(fit).toMatchObject({ goal: "labels", granularities: [1], images: 4, regions: 4, wanted: null });
    expect(fit!.after).toBeGreaterThan(Math.max(0.8, fit!.before));
    const [before, after] = [
      await meanIou(heldOut, WHOLE),
      await meanIou(heldOut, WHOLE, calibration.toModel(1)),
    ];
    expect(after).toBeGreaterThan(Math.max(0.75, before + 0.2));
    // Exact on the grid that was searched.
    for (const level of [0.2, 0.4, 0.5, 0.6, 0.8, 1]) {
      let iou = 0;
      for (const { image, prompt, mask } of targetsOf(WHOLE)) {
        iou += (await fitted[image].segment({ ...prompt, granularity: level })).mask.iou(mask);
      }
      expect(iou / 4).toBeLessThanOrEqual(fit!.after + 1e-3);
    }
  });

  it("takes labels at several granularities", async () => {
    const calibration = await calibrate(fitted, [...targetsOf(WHOLE), ...targetsOf(PART, "fine")]);
    expect(calibration.fit!.granularities).toEqual([0.2, 1]);
    expect(calibration.toModel(0.2)).toBeLessThan(calibration.toModel(1));
    expect(await meanIou(heldOut, PART, calibration.toModel(0.2))).toBeGreaterThan(0.6);
    expect(await meanIou(heldOut, WHOLE, calibration.toModel(1))).toBeGreaterThan(0.75);
  });

  it("refuses labels that do not fit their image, and stops at an abort signal", async () => {
    const [target] = targetsOf(WHOLE);
    const refused: [object, RegExp][] = [
      [{ ...target, image: 9 }, /image 9/],
      [{ ...target, mask: Mask.fromBytes(2, 1, [1, 1]) }, /2 × 1/],
      [
        {
          ...target,
          mask: Mask.fromBytes(SIZE.width, SIZE.height, new Uint8Array(SIZE.width * SIZE.height)),
        },
        /empty/,
      ],
      [{ ...target, mask: [1, 2] }, /no Mask/],
      [{ ...target, prompt: { points: [[900, 1]] } }, /outside/],
      [{ ...target, prompt: { ...target.prompt, granularity: "auto" } }, /auto/],
    ];
    for (const [bad, reason] of refused) {
      await expect(calibrate(fitted, [bad] as never)).rejects.toThrow(reason);
    }
    const many = Array.from({ length: 30 }, (_, k) => ({
      ...target,
      prompt: { ...target.prompt, granularity: k / 30 },
    }));
    await expect(calibrate(fitted, many)).rejects.toThrow(/30 granularities/);
    await expect(calibrate([], [target])).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    const reason = new Error("enough");
    await expect(calibrate(fitted, [target], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const later = new AbortController();
    const onProgress = () => later.abort(reason);
    const stopped = calibrate(fitted, { regionsPerImage: 12 }, { signal: later.signal, onProgress });
    await expect(stopped).rejects.toBe(reason);
  });
});

describe("a calibrated model", () => {
  const calibration = Calibration.from({
    format: "unsam-calibration",
    version: 1,
    knots: [
      [0, 0.05],
      [0.5, 0.35],
      [1, 0.6],
    ],
  });
  const click = { points: [[70.5, 70.5]] as const };

  it("takes and reports the user's granularity in everything, and the model sees its own", async () => {
    await using calibrated = await UnSAM.load({ model: "region-tree", calibration });
    expect(calibrated.calibration).toBe(calibration);
    const image = await calibrated.encode(mosaic(1));
    const plain = fitted[0];
    for (const granularity of [0, 0.3, "medium", undefined] as const) {
      const asked = granularity === "medium" ? 0.5 : (granularity ?? 1);
      const [segment, same] = [
        await image.segment({ ...click, granularity }),
        await plain.segment({ ...click, granularity: calibration.toModel(asked) }),
      ];
      expect(segment.granularity).toBe(asked);
      expect(segment.mask.equals(same.mask)).toBe(true);
    }
    const [auto, own] = [
      await image.segment({ ...click, granularity: "auto" }),
      await plain.segment({ ...click, granularity: "auto" }),
    ];
    expect(auto.mask.equals(own.mask)).toBe(true);
    expect(auto.granularity).toBeCloseTo(calibration.toDial(own.granularity!), 12);
    expect(auto.alternatives.map(({ granularity }) => granularity)).toEqual(
      own.alternatives.map(({ granularity }) => calibration.toDial(granularity!)),
    );
    const ladder = await image.ladder(click, { levels: 5 });
    expect(ladder.levels).toEqual([0.1, 0.325, 0.55, 0.775, 1]);
    for (const segment of ladder) {
      const same = await plain.segment({ ...click, granularity: calibration.toModel(segment.granularity!) });
      expect(segment.mask.equals(same.mask)).toBe(true);
    }
    const coarser = await ladder.at(0.1).coarser();
    const same = await plain.segment({ ...click, granularity: calibration.toModel(coarser!.granularity!) });
    expect(coarser!.mask.equals(same.mask)).toBe(true);
    await expect(calibrate([image], { regionsPerImage: 5 })).rejects.toThrow(/behind a calibration/);
  });

  it("grades a whole image on the user's granularity", async () => {
    await using calibrated = await UnSAM.load({ model: "region-tree", calibration });
    const image = await calibrated.encode(mosaic(1));
    const scene = await image.everything({ granularity: [0.2, 0.9] });
    const range = [calibration.toModel(0.2), calibration.toModel(0.9)] as const;
    const own = await fitted[0].everything({ granularity: range });
    expect(scene.masks.length).toBeGreaterThan(5);
    expect(scene.masks).toHaveLength(own.masks.length);
    for (const [i, { granularity }] of scene.masks.entries()) {
      expect(granularity).toBeCloseTo(calibration.toDial(own.masks[i].granularity), 4);
    }
  });

  it("refuses a calibration of another model", async () => {
    const other = Calibration.from({ ...calibration.toJSON(), model: { name: "x.pt", fingerprint: "abc" } });
    await expect(UnSAM.load({ model: "region-tree", calibration: other })).rejects.toMatchObject({
      code: "E_BAD_FILE",
    });
  });
});

describe("a saved calibration", () => {
  it("comes back as it was, whole or not at all, and fits its schema", async () => {
    const calibration = await calibrate(fitted.slice(0, 2), targetsOf(WHOLE).slice(0, 2));
    const file = path.join(folder, "mosaic.json");
    await calibration.save(file);
    expect(await readdir(folder)).toEqual(["mosaic.json"]);
    expect((await Calibration.read(file)).toJSON()).toEqual(calibration.toJSON());
    const schema = JSON.parse(
      await readFile(inRepository("docs", "schemas", "calibration.schema.json"), "utf8"),
    );
    const validate = new Ajv2020({ allErrors: true }).compile(schema);
    expect(validate(JSON.parse(await readFile(file, "utf8"))), JSON.stringify(validate.errors)).toBe(true);
    await using fromFile = await UnSAM.load({ model: "region-tree", calibration: file });
    await using fromData = await UnSAM.load({ model: "region-tree", calibration: calibration.toJSON() });
    expect(fromFile.calibration!.knots).toEqual(calibration.knots);
    expect(fromData.calibration!.knots).toEqual(calibration.knots);
    await expect(calibration.save(path.join(folder, "no", "such.json"))).rejects.toMatchObject({
      code: "E_IO",
    });
  });

  const knots = [
    [0, 0],
    [1, 1],
  ];
  const sound = { format: "unsam-calibration", version: 1, knots };
  it.each<[string, unknown]>([
    ["another format", { ...sound, format: "coco" }],
    ["a later version", { ...sound, version: 2 }],
    ["an unknown key", { ...sound, colour: "red" }],
    ["no knots", { ...sound, knots: [] }],
    ["knots without end", { ...sound, knots: Array.from({ length: 100_000 }, (_, i) => [i / 1e5, i / 1e5]) }],
    [
      "a knot of three numbers",
      {
        ...sound,
        knots: [
          [0, 0, 0],
          [1, 1],
        ],
      },
    ],
    [
      "words for numbers",
      {
        ...sound,
        knots: [
          ["0", "0"],
          [1, 1],
        ],
      },
    ],
    [
      "a falling map",
      {
        ...sound,
        knots: [
          [0, 1],
          [1, 0],
        ],
      },
    ],
    [
      "a number beyond 1",
      {
        ...sound,
        knots: [
          [0, 0],
          [1, 1e300],
        ],
      },
    ],
    ["a list", [1, 2]],
    ["null", null],
    ["a prototype", JSON.parse('{"__proto__": {"knots": []}, "format": "unsam-calibration", "version": 1}')],
  ])("is refused where it holds %s", async (_, value) => {
    const file = path.join(folder, "bad.json");
    await writeFile(file, JSON.stringify(value) ?? "");
    await expect(UnSAM.load({ model: "region-tree", calibration: file })).rejects.toMatchObject({
      code: "E_BAD_FILE",
    });
    expect(() => Calibration.from(value)).toThrow(expect.objectContaining({ code: "E_BAD_FILE" }));
  });

  it("is refused where it is missing, no JSON, or a photo", async () => {
    const text = path.join(folder, "text.json");
    await writeFile(text, "{ knots");
    for (const file of [
      path.join(folder, "none.json"),
      folder,
      text,
      inRepository("docs", "images", "juice.jpg"),
    ]) {
      await expect(UnSAM.load({ model: "region-tree", calibration: file })).rejects.toMatchObject({
        code: "E_BAD_FILE",
      });
    }
    await expect(UnSAM.load({ model: "region-tree", calibration: 7 as never })).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });
});
