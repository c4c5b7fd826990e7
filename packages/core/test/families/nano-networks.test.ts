import { readFile } from "node:fs/promises";
import { NANO_WEIGHTS } from "@unsam/model-nano";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "#core/checkpoint/index.js";
import { openModel } from "#core/families/index.js";
import type { CueNetwork, NanoWeights } from "#core/families/nano/cue-network.js";
import { openNativeNetwork } from "#core/families/nano/native-network.js";
import { OnnxNetwork } from "#core/families/nano/onnx-network.js";
import { nanoInput } from "#core/models/index.js";
import { parseNpy } from "#core/npy.js";
import { labPlanes } from "#core/region-tree/index.js";
import { describeWithAddon } from "../operations/addon.js";
import { relativeError } from "../support/compare.js";
import { randomValues } from "../support/random.js";

async function weightsOf(path: string): Promise<NanoWeights> {
  await using checkpoint = await openCheckpoint(path);
  const weights = new Map<string, { data: Float32Array; shape: readonly number[] }>();
  for (const name of checkpoint.tensors.keys()) weights.set(name, await checkpoint.read(name));
  return weights;
}

/** Discs and stripes of any colours under noise. */
function photo(width: number, height: number) {
  const noise = randomValues(3 * width * height, width);
  const data = new Uint8Array(3 * width * height).map((_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    const inside = Math.hypot(x - width / 2, y - height / 3) < height / 4;
    return 128 + (inside ? 70 - 40 * c : 30 * Math.sin(x / 9 + c)) + 20 * noise[i];
  });
  return { width, height, data };
}

const input = (width: number, height: number) => nanoInput(labPlanes(photo(width, height)), width, height);

describeWithAddon("the nano model's network in the addon", (binding) => {
  let weights: NanoWeights;
  let native: CueNetwork;
  let onnx: CueNetwork;
  beforeAll(async () => {
    weights = await weightsOf(NANO_WEIGHTS);
    native = await openNativeNetwork(binding, weights, 2);
    onnx = new OnnxNetwork(weights, 1);
  });
  afterAll(async () => {
    await onnx.release();
    await native.release();
  });

  it.each([
    [64, 64],
    [1, 1],
    [100, 33],
    [65, 320],
    [500, 128],
    [640, 427],
  ])("sees in %i × %i pixels what ONNX Runtime sees", async (width, height) => {
    const found = await native.look(input(width, height));
    const expected = await onnx.look(input(width, height));
    const { columns, rows, dimensions } = expected;
    expect([found.columns, found.rows, found.dimensions]).toEqual([columns, rows, dimensions]);
    for (const plane of ["border", "height", "metric"] as const) {
      expect(relativeError(found[plane], expected[plane]), plane).toBeLessThan(1e-5);
    }
  });

  it("gives the same bits with any number of threads", async () => {
    const alone = await openNativeNetwork(binding, weights, 1);
    const many = await openNativeNetwork(binding, weights, 7);
    const given = input(333, 210);
    expect(await many.look(given)).toEqual(await alone.look(given));
    await Promise.all([alone.release(), many.release()]);
    await expect(alone.look(given)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  // Made by packages/model-nano/scripts/make-parity-fixture.py with PyTorch.
  it("gives what PyTorch gives", async () => {
    const fixture = (file: string) => inRepository("packages", "core", "fixtures", "nano", file);
    const array = async (name: string) => parseNpy(await readFile(fixture(`${name}.npy`)));
    const network = await openNativeNetwork(binding, await weightsOf(fixture("nano.safetensors")), 2);
    const pixels = await array("pixels");
    const [, , height, width] = pixels.shape;
    const found = await network.look({ width, height, data: pixels.data as Float32Array });
    const border = (await array("border")).data;
    const cells = border.length / 2;
    expect(relativeError(found.border, border.subarray(0, cells))).toBeLessThan(1e-5);
    expect(relativeError(found.height, border.subarray(cells))).toBeLessThan(1e-5);
    expect(relativeError(found.metric, (await array("metric")).data)).toBeLessThan(1e-5);
    await network.release();
  });

  describe.each([
    ["auto", "native", /addon is there/],
    ["native", "native", /asked for/],
    ["onnx", "onnx", /asked for/],
  ] as const)("encoder %s of the family", (encoder, kind, reason) => {
    it("is what the engine says, and trees are grown by it", async () => {
      const engine = await openModel("nano", { encoder, threads: 2 });
      expect(engine.info).toMatchObject({
        encoder: kind,
        reasons: { encoder: expect.stringMatching(reason) },
      });
      const image = await engine.encode(photo(120, 90), {});
      const prompt = {
        points: [{ x: 60, y: 30, label: 1 }],
        box: null,
        mask: null,
        granularity: 0.5,
      } as const;
      const options = { multimask: false, maxHoleArea: 0, maxSprinkleArea: 0 };
      const [{ best }] = await image.segment([prompt], options);
      expect(best.mask.area).toBeGreaterThan(100);
      await image.dispose();
      await engine.dispose();
    });
  });
});
