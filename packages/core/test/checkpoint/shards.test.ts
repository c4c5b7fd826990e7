import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, writeSafetensors } from "#core/checkpoint/index.js";
import { dict, tensor } from "./pickle-writer.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

let folder: string;
let next = 0;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-shards-"));
});
afterAll(() => rm(folder, { recursive: true }));

const shard = (n: number) => `model-0000${n}-of-00002.safetensors`;
const ones = (name: string, value: number) =>
  ({ name, dtype: "float32", shape: [2], data: Float32Array.of(value, value) }) as const;

/** A checkpoint in two shards, and its index. */
async function sharded(
  weightMap: object = { a: shard(1), b: shard(2) },
  indexName = "model.safetensors.index.json",
) {
  const place = path.join(folder, `${next++}`);
  await mkdir(place);
  await writeSafetensors(path.join(place, shard(1)), [ones("a", 1), ones("spare", 9)], { format: "pt" });
  await writeSafetensors(path.join(place, shard(2)), [ones("b", 2), ones("a", 8)]);
  const index = path.join(place, indexName);
  await writeFile(index, JSON.stringify({ metadata: { total_size: 32 }, weight_map: weightMap }));
  return { place, index };
}

describe("a checkpoint in shards", () => {
  test("opens by its index, and by its folder", async () => {
    const { place, index } = await sharded();
    const shards = [shard(1), shard(2)];
    const bytes = await Promise.all(shards.map((name) => readFile(path.join(place, name))));
    const sha = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
    for (const target of [index, place, `${place}${path.sep}`]) {
      await using checkpoint = await openCheckpoint(target);
      const { format, byteLength, metadata, path: its } = checkpoint;
      expect({ format, metadata, its }).toEqual({ format: "safetensors", metadata: {}, its: target });
      expect(checkpoint.shards).toEqual(shards);
      expect(byteLength).toBe(bytes[0].length + bytes[1].length);
      expect([...checkpoint.tensors.keys()]).toEqual(["a", "b"]);
      expect([(await checkpoint.read("a")).data[0], (await checkpoint.read("b")).data[0]]).toEqual([1, 2]);
      expect(await checkpoint.fingerprint()).toBe(
        sha(shards.map((name, i) => `${sha(bytes[i])} ${name}\n`).join("")),
      );
    }
  });

  test("of PyTorch files opens as well; of both kinds in one folder safetensors is taken", async () => {
    const { place, index } = await sharded({ w: "pytorch_model-1.bin" }, "pytorch_model.bin.index.json");
    const storage = { type: "FloatStorage", key: "0", elements: 1 };
    const root = dict([["w", tensor({ storage, shape: [1], strides: [1] })]]);
    await writeFile(
      path.join(place, "pytorch_model-1.bin"),
      tinyCheckpoint({ root, storages: { 0: Float32Array.of(3) } }),
    );
    for (const target of [index, place]) {
      await using checkpoint = await openCheckpoint(target);
      expect([checkpoint.format, (await checkpoint.read("w")).data[0]]).toEqual(["pt", 3]);
    }
    await writeFile(
      path.join(place, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { a: shard(1) } }),
    );
    await using both = await openCheckpoint(place);
    expect(both.format).toBe("safetensors");
  });

  test("may have a byte order mark in its index, and links as shards", async () => {
    const { place, index } = await sharded();
    await writeFile(index, `\ufeff${await readFile(index, "utf8")}`);
    const blob = path.join(folder, `blob-${next++}`);
    await writeSafetensors(blob, [ones("a", 5)]);
    await rm(path.join(place, shard(1)));
    await symlink(blob, path.join(place, shard(1)));
    await using checkpoint = await openCheckpoint(index);
    expect((await checkpoint.read("a")).data[0]).toBe(5);
  });

  test("names the shard that is missing, cut off, or lacks a tensor", async () => {
    const missing = await sharded();
    await rm(path.join(missing.place, shard(2)));
    await refused(missing.index, /no file “.*00002-of-00002\.safetensors”.*index names 2 shards/);
    const cut = await sharded();
    await truncate(path.join(cut.place, shard(2)), 100);
    await refused(cut.index, /00002-of-00002\.safetensors” cannot be used/);
    const lacking = await sharded({ a: shard(1), c: shard(2) });
    await refused(
      lacking.index,
      /00002-of-00002\.safetensors” holds no tensor "c", though its index says so/,
    );
  });

  test.each([
    "../model.safetensors",
    "..",
    ".",
    "",
    "sub/model.safetensors",
    "/etc/passwd",
    "..\\model.safetensors",
    "C:model.safetensors",
    "a\u0000b",
    "x".repeat(300),
  ])("refuses the shard name %j", async (name) => {
    await refused((await sharded({ a: name })).index, /a shard is a file beside the index, without a folder/);
  });

  test.each<[string, unknown, RegExp]>([
    ["a shard that is no text", { weight_map: { a: 3 } }, /something that is no name/],
    ["no shards", { weight_map: {} }, /names no shards/],
    ["a list", { weight_map: [] }, /JSON text that names no shards/],
    ["another document", { error: "not found" }, /JSON text that names no shards/],
    [
      "more shards than there are",
      { weight_map: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`t${i}`, `s${i}`])) },
      /more than 256 shards/,
    ],
    [
      "more tensors than any model has",
      { weight_map: Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [`t${i}`, "s"])) },
      /more than 20000 tensors/,
    ],
    ["names that mean something", '{"weight_map": {"__proto__": "../x"}}', /a shard is a file beside/],
    ["text cut off", '{"weight_map": {"a": "b', /its index is not JSON/],
    ["deep nesting", `{"weight_map": ${"[".repeat(1e5)}`, /nests deeper than 100/],
  ])("an index of %s is refused", async (_, content, reason) => {
    const { index } = await sharded();
    await writeFile(index, typeof content === "string" ? content : JSON.stringify(content));
    await refused(index, reason);
  });

  test("a shard that is a folder or an index is refused", async () => {
    const { index, place } = await sharded({ a: "inner" });
    await mkdir(path.join(place, "inner"));
    await refused(index, /inner” is a folder/);
    const looped = await sharded({ a: "model.safetensors.index.json" });
    await refused(looped.index, /JSON text that names no shards|names no shards/);
  });
});

describe("a folder", () => {
  test("without an index names its files, or says that there are none", async () => {
    const empty = path.join(folder, `${next++}`);
    await mkdir(empty);
    await refused(empty, /is a folder that holds no checkpoint/);
    await writeFile(path.join(empty, "sam2.pt"), "");
    await refused(empty, /without an index of shards; give one of its files: "sam2\.pt"\./);
    await writeFile(path.join(empty, ".metadata"), "");
    await refused(empty, /distributed checkpoint of PyTorch/);
  });

  test("with several indices wants one of them named", async () => {
    const { place } = await sharded();
    await writeFile(path.join(place, "ema.safetensors.index.json"), "{}");
    await refused(
      place,
      /several indices \("ema\.safetensors\.index\.json", "model\.safetensors\.index\.json"\)/,
    );
  });
});

async function refused(target: string, reason: RegExp): Promise<void> {
  await expect(openCheckpoint(target)).rejects.toMatchObject({
    code: "E_BAD_CHECKPOINT",
    message: expect.stringMatching(reason),
  });
}
