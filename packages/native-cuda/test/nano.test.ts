import { describe, expect, it } from "vitest";
import { syntheticNanoWeights } from "#native/synthetic-nano.js";
import { addon, BAD_ENCODE_OPTIONS, describeWithAddon, THREADS } from "./addon.js";

const weights = syntheticNanoWeights();
const input = {
  width: 64,
  height: 32,
  data: Float32Array.from({ length: 4 * 64 * 32 }, (_, i) => Math.sin(i)),
};

/** Anything at all, as if it were what the types ask for. */
const wrong = (value: unknown) => value as never;

describeWithAddon("misuse of the nano encoder ends in typed errors", () => {
  it.each<[string, unknown]>([
    ["no object", 7],
    ["none at all", {}],
    ["a tensor that is none", { ...weights, "top.weight": 1 }],
    ["values of another type", { ...weights, "top.bias": { shape: [18], data: new Float64Array(18) } }],
    [
      "fewer values than the shape says",
      { ...weights, "top.bias": { shape: [18], data: new Float32Array(2) } },
    ],
    ["a shape beyond all", { ...weights, "stem.0.bias": { shape: [2 ** 52], data: new Float32Array(7) } }],
    ["no channels", { ...weights, "stem.0.bias": { shape: [0], data: new Float32Array(0) } }],
    [
      "one tensor less",
      Object.fromEntries(Object.entries(weights).filter(([name]) => name !== "top.weight")),
    ],
  ])("weights with %s", async (_, given) => {
    await expect(addon().createNanoEncoder(wrong(given))).rejects.toMatchObject({ code: "E_BAD_CHECKPOINT" });
  });

  it.each<[string, unknown]>([
    ["no object", null],
    ["nothing in it", {}],
    ["a side that is no multiple of 32", { width: 33, height: 32, data: new Float32Array(4 * 33 * 32) }],
    ["no pixels", { width: 0, height: 32, data: new Float32Array(0) }],
    ["a side beyond all", { width: 2 ** 52, height: 2 ** 52, data: new Float32Array(0) }],
    ["fewer values than pixels", { ...input, data: input.data.subarray(1) }],
    ["values of another type", { ...input, data: new Float64Array(4 * 64 * 32) }],
  ])("an image with %s", async (_, image) => {
    const encoder = await addon().createNanoEncoder(weights);
    await expect(encoder.encode(wrong(image), THREADS)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });

  it.each(BAD_ENCODE_OPTIONS)("options that are %j", async (options) => {
    const encoder = await addon().createNanoEncoder(weights);
    await expect(encoder.encode(input, wrong(options))).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });

  it("methods on other objects, constructors, disposed encoders", async () => {
    const { NanoEncoder } = addon();
    expect(() => new NanoEncoder()).toThrow(/createNanoEncoder/);
    const other = { encode: NanoEncoder.prototype.encode };
    expect(() => other.encode(input, THREADS)).toThrow(/no NanoEncoder|Illegal invocation/);
    const encoder = await addon().createNanoEncoder(weights);
    const underWay = encoder.encode(input, THREADS);
    encoder.dispose();
    encoder.dispose();
    expect((await underWay)?.columns).toBe(32);
    await expect(encoder.encode(input, THREADS)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });
});

describeWithAddon("calls of the nano encoder", () => {
  it("read their arguments before they return", async () => {
    const encoder = await addon().createNanoEncoder(weights);
    const mine = input.data.slice();
    const call = encoder.encode({ ...input, data: mine }, THREADS);
    structuredClone(mine, { transfer: [mine.buffer] });
    expect(await call).toEqual(await encoder.encode(input, { threads: 1 }));
  });

  it("stop when they are cancelled, and work again afterwards", async () => {
    const encoder = await addon().createNanoEncoder(weights);
    const cell = new Int32Array(new SharedArrayBuffer(4));
    expect(await encoder.encode(input, { threads: 2, cancel: { cell, value: 0 } })).toBeNull();
    expect((await encoder.encode(input, { threads: 2, cancel: { cell, value: 1 } }))?.rows).toBe(16);
  });

  describe.each([1, 2, 8])("with %i threads", (threads) => {
    it("give the same bits side by side as alone", async () => {
      const encoder = await addon().createNanoEncoder(weights);
      const alone = await encoder.encode(input, { threads: 1 });
      const found = await Promise.all(Array.from({ length: 6 }, () => encoder.encode(input, { threads })));
      for (const cues of found) expect(cues).toEqual(alone);
    });
  });
});
