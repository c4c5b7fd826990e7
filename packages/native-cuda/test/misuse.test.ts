import { beforeAll, describe, expect, it } from "vitest";
import type { NativeDecoder, NativePreparedImage, NativePrompt } from "#native/binding.js";
import { syntheticFeatures, syntheticWeights } from "#native/synthetic-model.js";
import { addon, click, createDecoder, createImage, describeWithAddon, SINGLE, THREADS } from "./addon.js";

/** Anything at all, as if it were what the types ask for. */
const wrong = (value: unknown) => value as never;

function detached<T extends Float32Array | Int32Array>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

describeWithAddon("misuse of the addon ends in typed errors", () => {
  let decoder: NativeDecoder;
  let image: NativePreparedImage;
  beforeAll(async () => {
    ({ decoder, image } = await createImage());
  });

  const prompts: Record<string, unknown> = {
    "no object": 7,
    "undefined in the list": undefined,
    "nothing in it": {},
    "a NaN coordinate": click(Number.NaN),
    "an infinite coordinate": click(Number.POSITIVE_INFINITY),
    "coords as plain numbers": { ...click(), coords: [1, 2, 3, 4] },
    "coords of another type": { ...click(), coords: new Float64Array(4) },
    "a DataView as coords": { ...click(), coords: new DataView(new ArrayBuffer(16)) },
    "labels of another type": { ...click(), labels: new Uint8Array(2) },
    "too few coords": { ...click(), coords: new Float32Array(3) },
    "too many coords": { ...click(), coords: new Float32Array(6) },
    "detached coords": { ...click(), coords: detached(new Float32Array(4)) },
    "detached labels": { ...click(), labels: detached(new Int32Array(2)) },
    "a label that does not exist": { ...click(), labels: Int32Array.of(4, -1) },
    "no points and no mask": { ...click(), coords: new Float32Array(0), labels: new Int32Array(0) },
    "an undefined granularity": { ...click(), granularity: undefined },
    "a NaN granularity": { ...click(), granularity: Number.NaN },
    "a granularity in words": { ...click(), granularity: "fine" },
    "a mask of another size": { ...click(), maskLogits: new Float32Array(255) },
    "an empty mask": { ...click(), maskLogits: new Float32Array(0) },
    "a NaN in the mask": { ...click(), maskLogits: new Float32Array(256).fill(Number.NaN) },
    "a detached mask": { ...click(), maskLogits: detached(new Float32Array(256)) },
    "an undefined mask": { ...click(), maskLogits: undefined },
  };
  it.each(Object.entries(prompts))("a prompt with %s", async (_, prompt) => {
    await expect(decoder.decode(image, [click(), wrong(prompt)], SINGLE)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
      message: expect.stringContaining("1"),
    });
  });

  const lists: Record<string, unknown> = {
    empty: [],
    null: null,
    "a string": "prompts",
    "four thousand million holes": new Array(2 ** 32 - 1),
  };
  it.each(Object.entries(lists))("prompts that are %s", async (_, list) => {
    await expect(decoder.decode(image, wrong(list), SINGLE)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
  });

  it.each([
    undefined,
    null,
    {},
    { threads: 0 },
    { threads: -1 },
    { threads: 1.5 },
    { threads: 1e9 },
    { threads: "2" },
  ])("options that are %j", async (options) => {
    const given = options && { multimask: false, ...options };
    await expect(decoder.decode(image, [click()], wrong(given))).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
    await expect(decoder.prepare(syntheticFeatures(4), wrong(options))).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });

  it("a flag that is none", async () => {
    for (const flags of [{ multimask: 1 }, { multimask: false, everyMask: "yes" }]) {
      const options = wrong({ threads: 1, ...flags });
      await expect(decoder.decode(image, [click()], options)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });

  const good = syntheticFeatures(4);
  const features: Record<string, unknown> = {
    "none at all": undefined,
    "a side that is no number": { ...good, side: "4" },
    "a negative side": { ...good, side: -4 },
    "a side of 0": { ...good, side: 0 },
    "a huge side": { ...good, side: 2 ** 40 },
    "another side": { ...good, side: 5 },
    "a short embedding": { ...good, imageEmbed: good.imageEmbed.subarray(1) },
    "a detached embedding": { ...good, imageEmbed: detached(new Float32Array(256 * 16)) },
    "a missing level": { ...good, highRes0: undefined },
    "levels exchanged": { ...good, highRes0: good.highRes1, highRes1: good.highRes0 },
  };
  it.each(Object.entries(features))("features with %s", async (_, given) => {
    await expect(decoder.prepare(wrong(given), THREADS)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  });

  const name = "sam_mask_decoder.iou_token.weight";
  const weights: Record<string, unknown> = {
    "none at all": undefined,
    "nothing in them": {},
    "a missing tensor": { ...syntheticWeights(), [name]: undefined },
    "a misshapen tensor": { ...syntheticWeights(), [name]: { data: new Float32Array(256), shape: [256] } },
    "a shape that is no list": {
      ...syntheticWeights(),
      [name]: { data: new Float32Array(256), shape: "1,256" },
    },
    "a shape of fractions": {
      ...syntheticWeights(),
      [name]: { data: new Float32Array(256), shape: [0.5, 512] },
    },
    "too few values": { ...syntheticWeights(), [name]: { data: new Float32Array(255), shape: [1, 256] } },
    "a detached tensor": {
      ...syntheticWeights(),
      [name]: { data: detached(new Float32Array(256)), shape: [1, 256] },
    },
  };
  it.each(Object.entries(weights))("weights with %s", async (_, given) => {
    await expect(addon().createDecoder(wrong(given), { precision: "float32" })).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
    });
  });

  it("a precision that does not exist", async () => {
    const options = wrong({ precision: "float8" });
    await expect(addon().createDecoder(syntheticWeights(), options)).rejects.toMatchObject({
      code: "E_BAD_OPTION",
    });
  });

  it("a CUDA device that cannot be one, or that this machine lacks", async () => {
    const create = (device: number) =>
      addon().createDecoder(syntheticWeights(), { precision: "float32", device });
    for (const device of [-1, 0.5, Number.NaN, 1e9]) {
      await expect(create(device)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
    const { devices, reason } = addon().cuda();
    const refusal = reason === null ? { code: "E_BAD_OPTION" } : { code: "E_UNSUPPORTED", message: reason };
    await expect(create(devices.length)).rejects.toMatchObject(refusal);
  });

  it("a granularity for a model without", async () => {
    const plain = await addon().createDecoder(syntheticWeights({ granularity: false }), {
      precision: "float32",
    });
    const prepared = await plain.prepare(syntheticFeatures(4), THREADS);
    await expect(plain.decode(prepared, [click()], SINGLE)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    const three = await plain.decode(prepared, [{ ...click(), granularity: null }], {
      ...SINGLE,
      multimask: true,
    });
    expect([...three[0].tokens]).toEqual([1, 2, 3]);
  });

  it("errors thrown by the caller's own getters come back as they are", async () => {
    const thrown = new RangeError("mine");
    const prompt = {
      ...click(),
      get labels(): Int32Array {
        throw thrown;
      },
    };
    await expect(decoder.decode(image, [prompt], SINGLE)).rejects.toBe(thrown);
  });

  it("a getter that disposes everything in the middle of the call", async () => {
    const { decoder, image } = await createImage();
    const prompt: NativePrompt = {
      ...click(),
      get labels() {
        decoder.dispose();
        image.dispose();
        return Int32Array.of(1, -1);
      },
    };
    const [masks] = await decoder.decode(image, [prompt], SINGLE);
    expect(masks.lowRes.every(Number.isFinite)).toBe(true);
  });

  describe("objects that are not what they should be", () => {
    it("handles cannot be made by hand", () => {
      const { Decoder, PreparedImage } = addon();
      for (const Class of [Decoder, PreparedImage]) {
        expect(() => new Class()).toThrow(expect.objectContaining({ code: "E_BAD_OPTION" }));
        expect(() => Reflect.construct(Class, [decoder], Object)).toThrow();
        expect(() => (Class as unknown as () => void)()).toThrow();
      }
    });

    it.each([
      ["an object", {}],
      ["null", null],
      ["a number", 3],
      ["a subclass by hand", 0],
    ])("methods called on %s", (title, value) => {
      const { Decoder, PreparedImage } = addon();
      const other = title === "a subclass by hand" ? Object.create(Decoder.prototype) : value;
      for (const method of [
        Decoder.prototype.prepare,
        Decoder.prototype.decode,
        PreparedImage.prototype.dispose,
      ]) {
        expect(() => Reflect.apply(method, other, [image, [click()], SINGLE])).toThrow();
      }
    });

    it("methods of one class on an object of the other", () => {
      const { Decoder, PreparedImage } = addon();
      expect(() => Decoder.prototype.decode.call(wrong(image), image, [click()], SINGLE)).toThrow(TypeError);
      expect(() => PreparedImage.prototype.dispose.call(wrong(decoder))).toThrow(TypeError);
    });

    it("images that are none, and images of another decoder", async () => {
      const other = await createImage();
      for (const value of [undefined, {}, decoder, other.image]) {
        await expect(decoder.decode(wrong(value), [click()], SINGLE)).rejects.toMatchObject({
          code: "E_BAD_OPTION",
        });
      }
    });
  });

  it("disposed handles", async () => {
    const other = await createImage();
    other.image.dispose();
    other.image.dispose();
    const disposed = { code: "E_DISPOSED" };
    await expect(other.decoder.decode(other.image, [click()], SINGLE)).rejects.toMatchObject(disposed);
    other.decoder.dispose();
    other.decoder.dispose();
    await expect(other.decoder.decode(other.image, [click()], SINGLE)).rejects.toMatchObject(disposed);
    await expect(other.decoder.prepare(syntheticFeatures(4), THREADS)).rejects.toMatchObject(disposed);
  });

  it("buffers that are transferred away while the work runs", async () => {
    const decoder = await createDecoder();
    const features = syntheticFeatures(32);
    const expected = decoder.decode(await decoder.prepare(syntheticFeatures(32), THREADS), [click()], SINGLE);
    const preparing = decoder.prepare(features, THREADS);
    detached(features.imageEmbed);
    detached(features.highRes0);
    const prompt = { ...click(), maskLogits: null };
    const decoding = decoder.decode(await preparing, [prompt], SINGLE);
    detached(prompt.coords);
    detached(prompt.labels);
    expect((await decoding)[0].lowRes).toEqual((await expected)[0].lowRes);
  });
});
