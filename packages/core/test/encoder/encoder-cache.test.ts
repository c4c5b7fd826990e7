import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFile,
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BuiltEncoder, buildEncoder } from "#core/encoder/index.js";
import { OnnxEncoderKernel } from "#core/encoder/onnx-encoder-kernel.js";
import { problemOfPrivateFolder, temporaryPath } from "#core/files/index.js";
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

async function replaceByFolder(file: string): Promise<void> {
  await rm(file);
  await mkdir(file);
}

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
    [
      "weights with bytes behind them",
      (folder: string) => appendFile(path.join(folder, "weights.bin"), "more"),
    ],
    ["a folder in place of the model", (folder: string) => replaceByFolder(path.join(folder, "model.onnx"))],
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

  it("removes what a process that died left behind, but not what another is writing", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const fresh = temporaryPath(cache);
    const old = temporaryPath(cache).replace(`-${process.pid}-`, `-${dead}-`);
    await mkdir(old);
    await mkdir(fresh);
    await buildEncoder(model, "a", cache);
    expect(await readdir(cache)).not.toContain(path.basename(old));
    expect(await readdir(cache)).toContain(path.basename(fresh));
  });
});

// Whoever can write to the cache could have another network answer. Only POSIX tells who that is.
describe.skipIf(process.platform === "win32")("the cache believes nobody else", () => {
  const mode = async (file: string) => (await stat(file)).mode & 0o777;
  /** What the encoder of `model` gives, by the files that `buildEncoder` names. */
  const isRight = async ({ modelPath }: BuiltEncoder) => {
    const kernel = await OnnxEncoderKernel.open(modelPath, 64, openSession);
    const pixels = randomValues(3 * 64 * 64, 4);
    const expected = await referenceEncoder(pixels, config, source);
    const { image_embed: found } = await kernel.encode(pixels);
    await kernel.release();
    return relativeError(found.data, expected.image_embed) < 5e-6;
  };
  /** A whole entry of other weights, under the name of the right one. */
  const plant = async (folder: string) => {
    const other = modelOf(syntheticCheckpoint(config, false, 2), config);
    const { modelPath } = await buildEncoder(other, "a", path.join(cache, "theirs"));
    await rm(folder, { recursive: true, force: true });
    await rename(path.dirname(modelPath), folder);
  };

  it("makes folders and files that only the user reads", async () => {
    const below = path.join(cache, "new", "cache");
    const { modelPath, origin } = await buildEncoder(model, "a", below);
    expect(origin).toBe("built");
    const folder = path.dirname(modelPath);
    for (const made of [path.join(cache, "new"), below, folder]) expect(await mode(made)).toBe(0o700);
    for (const name of ["model.onnx", "weights.bin"]) expect(await mode(path.join(folder, name))).toBe(0o600);
  });

  it("replaces a planted entry that is whole in itself", async () => {
    const folder = path.dirname((await buildEncoder(model, "a", cache)).modelPath);
    await plant(folder);
    const rebuilt = await buildEncoder(model, "a", cache);
    expect(rebuilt).toMatchObject({ origin: "built", modelPath: path.join(folder, "model.onnx") });
    expect(await isRight(rebuilt)).toBe(true);
    expect((await buildEncoder(model, "a", cache)).origin).toBe("found");
  });

  it.each<[string, (folder: string) => Promise<void>]>([
    [
      "the folder is a link",
      async (folder) => {
        await rename(folder, `${folder}-moved`);
        await symlink(`${folder}-moved`, folder);
      },
    ],
    [
      "the weights are a link",
      async (folder) => {
        await rename(path.join(folder, "weights.bin"), path.join(cache, "elsewhere"));
        await symlink(path.join(cache, "elsewhere"), path.join(folder, "weights.bin"));
      },
    ],
    [
      "the weights are a pipe",
      async (folder) => {
        await rm(path.join(folder, "weights.bin"));
        execFileSync("mkfifo", [path.join(folder, "weights.bin")]);
      },
    ],
    ["the group may write to the folder", (folder) => chmod(folder, 0o770)],
    ["anybody may write to the weights", (folder) => chmod(path.join(folder, "weights.bin"), 0o666)],
    ...(process.geteuid?.() === 0
      ? ([
          ["the folder is somebody else's", (folder) => chown(folder, 12345, 12345)],
          ["the model is somebody else's", (folder) => chown(path.join(folder, "model.onnx"), 12345, 12345)],
        ] satisfies [string, (folder: string) => Promise<void>][])
      : []),
  ])("replaces an entry where %s", async (_, change) => {
    const folder = path.dirname((await buildEncoder(model, "a", cache)).modelPath);
    await change(folder);
    const rebuilt = await buildEncoder(model, "a", cache);
    expect(rebuilt.origin).toBe("built");
    expect(await isRight(rebuilt)).toBe(true);
    expect((await lstat(folder)).isDirectory()).toBe(true);
    expect(await mode(folder)).toBe(0o700);
  });

  it.each<[string, (cacheDir: string) => Promise<void>, RegExp]>([
    [
      "is a link",
      async (cacheDir) => {
        await mkdir(`${cacheDir}-real`, { mode: 0o700 });
        await symlink(`${cacheDir}-real`, cacheDir);
      },
      /is a link/,
    ],
    [
      "may be written by the group",
      async (cacheDir) => {
        await mkdir(cacheDir);
        await chmod(cacheDir, 0o770);
      },
      /may be written by other users/,
    ],
    [
      "lies in a folder that anybody may write to",
      async (cacheDir) => {
        await chmod(path.dirname(cacheDir), 0o777);
        await mkdir(cacheDir, { mode: 0o700 });
      },
      /lies in .* may be written by other users/,
    ],
    [
      "will be made in a folder that anybody may write to",
      (cacheDir) => chmod(path.dirname(cacheDir), 0o777),
      /lies in/,
    ],
    ...(process.geteuid?.() === 0
      ? ([
          [
            "is somebody else's",
            async (cacheDir) => {
              await mkdir(cacheDir, { mode: 0o700 });
              await chown(cacheDir, 12345, 12345);
            },
            /belongs to another user/,
          ],
          [
            "lies in somebody else's folder",
            (cacheDir) => chown(path.dirname(cacheDir), 12345, 12345),
            /belongs to another user/,
          ],
        ] satisfies [string, (cacheDir: string) => Promise<void>, RegExp][])
      : []),
  ])("is not used where it %s: the encoder is built elsewhere", async (_, prepare, problem) => {
    const above = path.join(cache, "above");
    const cacheDir = path.join(above, "cache");
    await mkdir(above, { mode: 0o700 });
    await prepare(cacheDir);
    expect(await problemOfPrivateFolder(cacheDir)).toMatch(problem);
    const built = await buildEncoder(model, "a", cacheDir);
    expect(built.origin).toBe("temporary");
    expect(path.relative(tmpdir(), built.modelPath)).toMatch(/^\.unsam-[^/]*\.tmp\/model\.onnx$/);
    expect(await mode(path.dirname(built.modelPath))).toBe(0o700);
    expect(await isRight(built)).toBe(true);
    await built.dispose();
    expect(await readdir(cacheDir).catch(() => [])).toEqual([]);
  });

  it("is used in a folder like /tmp, where others cannot replace it, and behind a link above it", async () => {
    await chmod(cache, 0o1777);
    expect((await buildEncoder(model, "a", path.join(cache, "own"))).origin).toBe("built");
    await symlink(cache, `${cache}-link`);
    try {
      expect((await buildEncoder(model, "a", path.join(`${cache}-link`, "own"))).origin).toBe("found");
    } finally {
      await rm(`${cache}-link`);
    }
  });

  it("is used where it can only be read, and built beside it for others", async () => {
    await chmod(cache, 0o755);
    const cacheDir = path.join(cache, "fixed");
    const root = process.geteuid?.() === 0;
    // Root writes everywhere: it looks through the eyes of nobody.
    if (root) {
      await mkdir(cacheDir, { mode: 0o700 });
      await chown(cacheDir, 65534, 65534);
      process.seteuid?.(65534);
    }
    try {
      expect((await buildEncoder(model, "a", cacheDir)).origin).toBe("built");
      await chmod(cacheDir, 0o500);
      expect((await buildEncoder(model, "a", cacheDir)).origin).toBe("found");
      const other = await buildEncoder(model, "b", cacheDir);
      expect(other.origin).toBe("temporary");
      await other.dispose();
      await chmod(cacheDir, 0o700);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  it("says that nothing can be written where the disk is full, and leaves nothing", async () => {
    // A limit on the size of files fails like a full disk, in the middle of the weights.
    const program = `
      import { buildEncoder } from "#core/encoder/index.js";
      const fail = (error) => { console.log(error.code, error.message); };
      const weight = { name: "w", shape: [1000, 1000], load: async () => new Float32Array(1e6) };
      const { Graph, gemm } = await import("#core/graph/index.js");
      const graph = new Graph("large");
      graph.output("y", gemm(graph.input("x", "float32", [1, 1000]), graph.weight(weight), null));
      await buildEncoder({ imageEncoder: graph, config: {} }, "a", process.argv[1]).catch(fail);`;
    const node = [process.execPath, "--input-type=module", "-e", program, path.join(cache, "full")];
    const shell = ["-c", 'trap "" XFSZ; ulimit -f 1000; exec "$@"', "sh", ...node];
    const temporary = path.join(cache, "tmp");
    await mkdir(temporary);
    const said = execFileSync("/bin/sh", shell, {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: temporary },
    });
    expect(said).toMatch(
      /^E_IO The image encoder could be written neither to the cache \(EFBIG.*nor to the temporary folder \(EFBIG/,
    );
    expect(await readdir(path.join(cache, "full"))).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  });
});
