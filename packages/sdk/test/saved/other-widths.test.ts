import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { parseModelConfig } from "@unsam/core/models";
import { loadNative } from "@unsam/native-cuda";
import { EncodedImage, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticCheckpoint } from "../../../core/test/support/synthetic-model.js";
import { savedPicture } from "./saved-files.js";

const native = await loadNative({ cacheDir: null });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-widths-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A random network of an input side and a number of channels, as a file; the trunk is that of core/test/decoder/other-sizes.test.ts. */
async function randomNetwork(size: number, width: number) {
  const config = {
    image_size: size,
    image_encoder: {
      trunk: { embed_dim: 8, stages: [1, 1, 1, 1], global_att_blocks: [], window_spec: [8, 4, 14, 7] },
      neck: { d_model: width, fpn_top_down_levels: [2, 3] },
    },
  };
  const source = syntheticCheckpoint(parseModelConfig(config), true);
  const tensors: TensorToWrite[] = [];
  for (const name of source.tensors.keys()) {
    tensors.push({ name, dtype: "float32", ...(await source.read(name)) });
  }
  const checkpoint = path.join(folder, `${size}-${width}.safetensors`);
  await writeSafetensors(checkpoint, tensors);
  return { checkpoint, config };
}

const cases = [
  { size: 96, width: 128, decoder: "onnx" },
  { size: 160, width: 64, decoder: "auto" },
  { size: 160, width: 256, decoder: "onnx" },
  ...(native.binding ? [{ size: 160, width: 256, decoder: "native" } as const] : []),
] as const;

describe.each(cases)(
  "an encoding of $size pixels and $width channels, $decoder decoder",
  ({ size, width, decoder }) => {
    it("is saved, loaded and answered from, in the shapes of its model", async () => {
      await using unsam = await UnSAM.load({ model: await randomNetwork(size, width), decoder });
      if (width !== 256) expect(unsam.model.decoder).toBe("onnx");
      await using image = await unsam.encode(savedPicture());
      const file = path.join(folder, "encoding");
      await image.save(file);
      await using loaded = await EncodedImage.load(unsam, file);
      const prompt = { points: [[20, 20]] as const, granularity: 0.5 };
      const [before, after] = [await image.segment(prompt), await loaded.segment(prompt)];
      // Features are kept in half precision; these logits are below 10.
      const worst = before.logits.data.reduce((most, value, i) => {
        return Math.max(most, Math.abs(value - after.logits.data[i]));
      }, 0);
      expect(worst).toBeLessThan(0.05);
      expect(after.mask.iou(before.mask)).toBeGreaterThan(0.98);
      // Three maps of d · s², d / 8 · (4 s)² and d / 4 · (2 s)² numbers, as features and made ready for the decoder.
      const cells = (size / 16) ** 2;
      expect(loaded.bytes).toBe(2 * 4 * cells * (width + 2 * width + width));
      // What was rounded once stays as it is.
      const again = path.join(folder, "again");
      await loaded.save(again);
      expect((await readFile(file)).equals(await readFile(again))).toBe(true);
    });
  },
);

it("an encoding of a model of another width is refused, also where it claims to be of this one", async () => {
  await using narrow = await UnSAM.load({ model: await randomNetwork(96, 64), decoder: "onnx" });
  await using wide = await UnSAM.load({ model: await randomNetwork(96, 128), decoder: "onnx" });
  const file = path.join(folder, "narrow");
  await (await narrow.encode(savedPicture())).save(file);
  await expect(EncodedImage.load(wide, file)).rejects.toMatchObject({ code: "E_BAD_FILE" });
  const { engine } = wide;
  const forged = { engine: { ...engine, info: narrow.engine.info, restore: engine.restore.bind(engine) } };
  await expect(EncodedImage.load(forged as never, file)).rejects.toMatchObject({
    code: "E_BAD_FILE",
    message: expect.stringMatching(/image_embed.*\[128, 6, 6\].*\[64, 6, 6\]/),
  });
});
