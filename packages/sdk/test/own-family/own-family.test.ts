import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { networkInput } from "@unsam/core/image";
import { WeightView } from "@unsam/core/models";
import { EncodedImage, inspectCheckpoint, type LoadOptions, networkFamily, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { disks } from "./disks.js";
import { patches } from "./patches.mjs";

// Families of models from outside of the packages, as docs/extending/add-a-model.md describes them.

const [WIDTH, HEIGHT] = [160, 120];
/** Reproducible values in [-1, 1). */
const noise = (count: number, seed: number) =>
  Float32Array.from(
    { length: count },
    (_, i) => ((((i + 1) * 7919 + seed * 104729) * 2654435761) % 2 ** 32) / 2 ** 31 - 1,
  );
const photo = {
  data: Uint8Array.from(noise(WIDTH * HEIGHT * 3, 1), (value) => 128 + 127 * value),
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
} as const;
const CLICK = { points: [[70, 50]] } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-families-"));
});
afterAll(() => rm(folder, { recursive: true }));

const load = (options: LoadOptions) => UnSAM.load({ cacheDir: folder, ...options });
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("a family with an engine of its own", () => {
  const families = [disks];

  it("is loaded by name, answers, and says what it is", async () => {
    await using unsam = await load({ model: "disks", families });
    expect(unsam.model).toMatchObject({
      name: "disks",
      family: "disks",
      kind: "network",
      granularity: false,
    });
    await using image = await unsam.encode(photo);
    const { mask } = await image.segment(CLICK);
    expect(mask.area).toBe(1257);
    expect(mask.bbox).toEqual({ x: 50, y: 30, width: 41, height: 41 });
    const [first] = await image.generateMasks({ pointsPerSide: 2 });
    expect(first.mask.area).toBe(1257);
  });

  it("is told by its file, and beside it the families of the package are", { timeout: 60_000 }, async () => {
    const checkpoint = path.join(folder, "small.disks");
    await writeFile(checkpoint, "5");
    await using unsam = await load({ model: { checkpoint }, families });
    await using image = await unsam.encode(photo);
    expect((await image.segment(CLICK)).mask.area).toBe(81);

    const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
    const model = {
      checkpoint: path.join(fixture, "checkpoint.safetensors"),
      config: path.join(fixture, "config.json"),
    };
    await using other = await load({ model, families });
    expect(other.model).toMatchObject({ family: "unsamv2", granularity: true });
    await using tree = await load({ model: "region-tree", families });
    expect(tree.model).toMatchObject({ family: "region-tree", kind: "region-tree" });
  });

  it("is asked for nothing that its capabilities rule out", async () => {
    const cannot = (options: LoadOptions) => load({ model: "disks", families, ...options });
    await expect(cannot({ decoder: "native", device: "cuda" })).rejects.toEqual(
      refused("E_UNSUPPORTED", /"disks" .*device: "cuda", decoder: "native"; leave them out/),
    );
    await using unsam = await load({ model: "disks", families });
    await using image = await unsam.encode(photo);
    const refusals: [call: () => unknown, message: RegExp][] = [
      [() => image.segment({ ...CLICK, granularity: 0.5 }), /without granularity/],
      [() => image.segment(CLICK, { multimask: true }), /one mask a prompt/],
      [() => image.everything({ prompting: "regions" }), /no hierarchy of regions/],
      [() => image.generateMasks({ refine: true }), /does not refine/],
      [() => image.save(path.join(folder, "disks.image")), /neither saved nor loaded/],
      [() => EncodedImage.load(unsam, path.join(folder, "disks.image")), /neither saved nor loaded/],
    ];
    for (const [call, message] of refusals) {
      await expect(Promise.resolve().then(call)).rejects.toEqual(
        expect.objectContaining({
          code: expect.stringMatching(/^E_UNSUPPORTED$|^E_BAD_PROMPT$/),
          message: expect.stringMatching(message),
        }),
      );
    }
  });

  it("must not bear the name of another one, and is named where a name is wrong", async () => {
    for (const families of [[{ ...disks, name: "sam2" }], [disks, disks]]) {
      await expect(load({ families })).rejects.toEqual(refused("E_BAD_OPTION", /two model families/));
    }
    await expect(load({ model: "discs", families })).rejects.toEqual(
      refused("E_BAD_OPTION", /no model "discs"; give "disks", .*"region-tree".* or /),
    );
  });
});

describe("a family of networks", () => {
  const families = [networkFamily(patches, new URL("./patches.mjs", import.meta.url))];
  const weights = new Map<string, TensorToWrite>();
  let model: { checkpoint: string };

  beforeAll(async () => {
    const view = new WeightView({
      tensors: new Map(),
      read: () => Promise.reject(new Error("nothing is read")),
    });
    patches.model(view, { config: undefined, fileName: "" });
    [...view.required].forEach(([name, shape], i) => {
      const count = shape.reduce((product, side) => product * side, 1);
      const scale = name.endsWith("bias") ? 0.1 : Math.sqrt(3 / (count / shape[0]));
      weights.set(name, {
        name,
        dtype: "float32",
        shape,
        data: noise(count, i + 2).map((value) => value * scale),
      });
    });
    model = { checkpoint: path.join(folder, "patches.safetensors") };
    await writeSafetensors(model.checkpoint, [...weights.values()], {});
  });

  it("is told by inspectCheckpoint, which knows it only where it is given", async () => {
    const known = await inspectCheckpoint(model.checkpoint, { families });
    expect(known).toMatchObject({ problem: null, weights: ".", otherTensors: 0 });
    expect(known.tensors.map(({ name }) => name)).toContain("patches.weight");
    const unknown = await inspectCheckpoint(model.checkpoint);
    expect(unknown.model).toBeNull();
    expect(unknown.problem).not.toBeNull();
  });

  it("encodes with its own graph", { timeout: 60_000 }, async () => {
    await using unsam = await load({ model, families });
    expect(unsam.model).toMatchObject({ family: "patches", granularity: false, encoder: "onnx" });
    await using image = await unsam.encode(photo);
    const saved = path.join(folder, "patches.image");
    await image.save(saved);
    await using file = await openCheckpoint(saved);
    const { data, shape } = await file.read("image_embed");
    expect(shape).toEqual([1, 32, 8, 8].slice(4 - shape.length));
    // The reference is the sum itself, at a few places.
    const { data: pixels } = networkInput(photo, 128);
    const kernel = weights.get("patches.weight")!.data;
    const bias = weights.get("patches.bias")!.data;
    for (const [channel, row, column] of [
      [0, 0, 0],
      [7, 3, 5],
      [31, 7, 7],
    ]) {
      let sum = bias[channel];
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < 16; y++) {
          for (let x = 0; x < 16; x++) {
            sum +=
              kernel[((channel * 3 + c) * 16 + y) * 16 + x] *
              pixels[(c * 128 + 16 * row + y) * 128 + 16 * column + x];
          }
        }
      }
      // Saved in half precision.
      expect(Math.abs(data[(channel * 8 + row) * 8 + column] - sum)).toBeLessThan(
        2e-3 * Math.max(1, Math.abs(sum)),
      );
    }
    const answer = await image.segment(CLICK);
    await using again = await EncodedImage.load(unsam, saved);
    expect((await again.segment(CLICK)).mask.iou(answer.mask)).toBeGreaterThan(0.97);
  });

  it("answers alike through every decoder", { timeout: 60_000 }, async () => {
    const answers = [];
    for (const decoder of ["auto", "onnx"] as const) {
      await using unsam = await load({ model, families, decoder });
      await using image = await unsam.encode(photo);
      answers.push(await image.segment({ box: [20, 10, 120, 90] }));
    }
    expect(answers[0].mask.area).toBeGreaterThan(0);
    expect(answers[0].mask.iou(answers[1].mask)).toBeGreaterThanOrEqual(0.999);
  });

  it("takes the options of its capabilities and no others", async () => {
    await expect(load({ model, families, precision: "bfloat16" })).rejects.toEqual(
      refused("E_UNSUPPORTED", /patches\.safetensors" .*precision: "bfloat16"/),
    );
  });

  it("is not known without being named", async () => {
    await expect(load({ model })).rejects.toEqual(refused("E_BAD_CHECKPOINT", /./));
  });

  it("needs a module that has it", async () => {
    const module = path.join(folder, "none.mjs");
    await writeFile(module, "export default 3;");
    for (const [url, message] of [
      [new URL(`file://${module}`), /no NetworkFamily/],
      [new URL(`file://${module}.js`), /cannot be imported/],
    ] as const) {
      await expect(load({ model, families: [networkFamily(patches, url)] })).rejects.toEqual(
        refused("E_BAD_OPTION", message),
      );
    }
  });
});
