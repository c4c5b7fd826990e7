import type { NativeBinding, NativeEncodedImage } from "@unsam/native-cuda";
import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";
import { loadNativeEncoder, openNativeEncoder } from "#core/encoder/index.js";
import { networkInput } from "#core/image/resize.js";
import { type NetworkModel, sam2Model, WeightView } from "#core/models/index.js";
import { referenceEncoder } from "../models/reference-hiera.js";
import { UNUSUAL_MODELS } from "../models/unusual-models.js";
import { describeWithAddon } from "../operations/addon.js";
import { relativeError } from "../support/compare.js";
import { ParitySet } from "../support/parity.js";
import { randomValues } from "../support/random.js";
import { runGraph } from "../support/run-graph.js";
import { syntheticCheckpoint } from "../support/synthetic-model.js";

/** The promise is 1e-4 for float32 and 1e-2 for bfloat16; random weights leave less room than trained ones for the latter. */
const TOLERANCE = { float32: 5e-6, bfloat16: 2e-2 } as const;
const PRECISIONS = ["float32", "bfloat16"] as const;

async function encode(
  binding: NativeBinding,
  model: NetworkModel,
  precision: "float32" | "bfloat16",
  image: { pixels: Float32Array } | { width: number; height: number; data: Uint8Array },
  threads = 2,
): Promise<NativeEncodedImage> {
  const encoder = await loadNativeEncoder(binding, model.encoderSource!, precision);
  const encoded = await encoder.encode(image, { threads });
  encoder.dispose();
  return encoded!;
}

describeWithAddon("the addon's image encoder", (binding) => {
  describe.each(PRECISIONS)("in %s against a plain float64 program", (precision) => {
    it.each([...UNUSUAL_MODELS])("%s", async (_, config) => {
      const source = syntheticCheckpoint(config);
      const model = sam2Model("sam2", config, new WeightView(source), null);
      const pixels = randomValues(3 * config.imageSize ** 2, 99);
      const expected = await referenceEncoder(pixels, config, source);
      const found = await encode(binding, model, precision, { pixels });
      expect(relativeError(found.imageEmbed, expected.image_embed)).toBeLessThan(TOLERANCE[precision]);
      expect(relativeError(found.highRes0, expected.high_res_0)).toBeLessThan(TOLERANCE[precision]);
      expect(relativeError(found.highRes1, expected.high_res_1)).toBeLessThan(TOLERANCE[precision]);
    });
  });

  const config = UNUSUAL_MODELS.get("windows that do not divide their maps")!;
  const model = sam2Model("sam2", config, new WeightView(syntheticCheckpoint(config)), null);

  it.each([
    [1000, 700],
    [90, 333],
    [160, 160],
    [1, 1],
  ])("resizes a photo of %i × %i to the same bits as the TypeScript", async (width, height) => {
    const data = Uint8Array.from(randomValues(3 * width * height, 3), (value) => 128 + 127 * value);
    const photo = { width, height, data };
    const pixels = networkInput(photo, config.imageSize).data;
    expect(await encode(binding, model, "float32", photo, 3)).toEqual(
      await encode(binding, model, "float32", { pixels }, 1),
    );
  });

  it("stops when it is cancelled, and works again afterwards", async () => {
    const encoder = await loadNativeEncoder(binding, model.encoderSource!, "float32");
    const photo = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const encode = (value: number) => encoder.encode(photo, { threads: 2, cancel: { cell, value } });
    expect(await encode(0)).toBeNull();
    expect((await encode(1))?.imageEmbed.length).toBe(64 * 10 * 10);
  });

  it("is an encoder like any other", async () => {
    const encoder = await openNativeEncoder(binding, model.encoderSource!, model.features, { threads: 2 });
    const { image_embed, high_res_0, high_res_1 } = await encoder.encode({
      width: 1,
      height: 1,
      data: Uint8Array.of(1, 2, 3),
    });
    const shapes = [image_embed, high_res_0!, high_res_1!].map(({ shape }) => shape);
    expect(shapes).toEqual(model.features.map(({ shape }) => shape));
    await encoder.release();
    const photo = { width: 1, height: 1, data: new Uint8Array(3) };
    await expect(encoder.encode(photo)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  describeWithShared("against the official code", () => {
    describe.each(["unsamv2-mini", "sam21-mini"])("%s", (name) => {
      it.each(PRECISIONS)("%s", async (precision) => {
        const set = new ParitySet(shared("parity", name));
        const { model: official, checkpoint } = await set.open();
        const pixels = set.array(set.image.input!);
        const found = await encode(binding, official, precision, { pixels: pixels.data as Float32Array });
        const outputs = await runGraph(official.imageEncoder, { pixel_values: pixels });
        await checkpoint.close();
        const tolerance = { float32: 5e-6, bfloat16: 1e-2 }[precision];
        for (const [part, stored, output] of [
          ["imageEmbed", set.image.image_embed, "image_embed"],
          ["highRes0", set.image.high_res_feats_0!, "high_res_0"],
          ["highRes1", set.image.high_res_feats_1!, "high_res_1"],
        ] as const) {
          expect(relativeError(found[part], set.array(stored).data), part).toBeLessThan(tolerance);
          expect(relativeError(found[part], outputs[output].data), `${part} of ONNX Runtime`).toBeLessThan(
            tolerance,
          );
        }
      });
    });
  });
});
