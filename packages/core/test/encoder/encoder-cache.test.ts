import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildEncoder } from "#core/encoder/index.js";
import { OnnxEncoderKernel } from "#core/encoder/onnx-encoder-kernel.js";
import { parseModelConfig } from "#core/models/index.js";
import { referenceEncoder } from "../models/reference-hiera.js";
import { relativeError } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { openSession } from "../support/run-graph.js";
import { modelOf, syntheticCheckpoint } from "../support/synthetic-model.js";

const config = parseModelConfig({
  image_size: 64,
  image_encoder: {
    trunk: { embed_dim: 8, stages: [1, 1, 1, 1], global_att_blocks: [2], window_spec: [4, 4, 4, 2] },
    neck: { d_model: 32, fpn_top_down_levels: [2, 3] },
  },
});
const source = syntheticCheckpoint(config);
const model = modelOf(source, config);

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(path.join(tmpdir(), "unsam-test-cache-"));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

describe("the built image encoder on disk", () => {
  it("is built once, found again, and gives the encoder's numbers", async () => {
    const built = await buildEncoder(model, "a".repeat(64), cache);
    expect(built.origin).toBe("built");
    const found = await buildEncoder(model, "a".repeat(64), cache);
    expect(found).toMatchObject({ origin: "found", modelPath: built.modelPath });
    const kernel = await OnnxEncoderKernel.open(found.modelPath, 64, openSession);
    const pixels = randomValues(3 * 64 * 64, 4);
    const features = await kernel.encode(pixels);
    const expected = await referenceEncoder(pixels, config, source);
    expect(features.image_embed.shape).toEqual([32, 4, 4]);
    expect(features.high_res_0?.shape).toEqual([4, 16, 16]);
    expect(features.high_res_1?.shape).toEqual([8, 8, 8]);
    for (const name of ["image_embed", "high_res_0", "high_res_1"] as const) {
      expect(relativeError(features[name]!.data, expected[name])).toBeLessThan(5e-6);
    }
    await kernel.release();
  });

  it("is another one for another checkpoint and another configuration", async () => {
    const paths = [
      await buildEncoder(model, "a".repeat(64), cache),
      await buildEncoder(model, "b".repeat(64), cache),
      await buildEncoder({ ...model, config: { ...config, name: "other" } }, "a".repeat(64), cache),
    ].map((built) => built.modelPath);
    expect(new Set(paths).size).toBe(3);
  });

  it.each([
    [
      "a flipped bit in the weights",
      async (folder: string) => {
        const file = path.join(folder, "weights.bin");
        const bytes = await readFile(file);
        bytes[1000] ^= 1;
        await writeFile(file, bytes);
      },
    ],
    ["a truncated model", (folder: string) => truncate(path.join(folder, "model.onnx"), 100)],
    ["missing weights", (folder: string) => rm(path.join(folder, "weights.bin"))],
    ["a manifest that is no JSON", (folder: string) => writeFile(path.join(folder, "manifest.json"), "{")],
    [
      "a file where the folder should be",
      async (folder: string) => {
        await rm(folder, { recursive: true });
        await writeFile(folder, "");
      },
    ],
  ])("is rebuilt after damage: %s", async (_, damage) => {
    const folder = path.dirname((await buildEncoder(model, "a", cache)).modelPath);
    await damage(folder);
    const rebuilt = await buildEncoder(model, "a", cache);
    expect(rebuilt.origin).toBe("built");
    expect((await buildEncoder(model, "a", cache)).origin).toBe("found");
    expect(await readdir(cache)).toEqual([path.basename(folder)]);
  });

  it("may be built by many at once", async () => {
    const built = await Promise.all(Array.from({ length: 8 }, () => buildEncoder(model, "a", cache)));
    expect(new Set(built.map(({ modelPath }) => modelPath)).size).toBe(1);
    expect(await readdir(cache)).toHaveLength(1);
    expect((await buildEncoder(model, "a", cache)).origin).toBe("found");
  });

  it("leaves nothing behind when it is stopped", async () => {
    await expect(buildEncoder(model, "a", cache, AbortSignal.abort(new Error("enough")))).rejects.toThrow(
      "enough",
    );
    expect(await readdir(cache)).toEqual([]);
  });

  it("goes to a temporary folder where the cache cannot be written, and cleans up", async () => {
    const file = path.join(cache, "file");
    await writeFile(file, "");
    const built = await buildEncoder(model, "a", path.join(file, "below"));
    expect(built.origin).toBe("temporary");
    await (await openSession(built.modelPath)).release();
    await built.dispose();
    await expect(readFile(built.modelPath)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("removes what a process that died left behind a day ago, but not what another is writing", async () => {
    const [old, fresh] = [path.join(cache, ".unfinished-old"), path.join(cache, ".unfinished-fresh")];
    await mkdir(old);
    await mkdir(fresh);
    const twoDaysAgo = Date.now() / 1000 - 2 * 86400;
    await utimes(old, twoDaysAgo, twoDaysAgo);
    await buildEncoder(model, "a", cache);
    expect(await readdir(cache)).not.toContain(path.basename(old));
    expect(await readdir(cache)).toContain(path.basename(fresh));
  });
});
