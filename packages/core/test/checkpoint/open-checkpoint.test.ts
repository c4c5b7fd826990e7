import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, writeSafetensors } from "#core/checkpoint/index.js";
import { dict, tensor } from "./pickle-writer.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const elements = 300_000;
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-checkpoint-"));
  file = path.join(folder, "weights.safetensors");
  const data = Float32Array.from({ length: elements }, (_, i) => i);
  await writeSafetensors(file, [{ name: "w", dtype: "float16", shape: [elements], data }], { note: "hello" });
});
afterAll(() => rm(folder, { recursive: true }));

describe("an open checkpoint", () => {
  test("says what it is", async () => {
    await using checkpoint = await openCheckpoint(file);
    const { format, path: itsPath, byteLength, metadata } = checkpoint;
    expect({ format, itsPath, metadata }).toEqual({
      format: "safetensors",
      itsPath: file,
      metadata: { note: "hello" },
    });
    expect(byteLength).toBe((await readFile(file)).length);
    expect(checkpoint.tensors.get("w")).toMatchObject({ name: "w", dtype: "float16", shape: [elements] });
  });

  test("is told by its content, not its name", async () => {
    const misnamed = path.join(folder, "misnamed.safetensors");
    const storage = { type: "FloatStorage", key: "0", elements: 1 };
    const root = dict([["w", tensor({ storage, shape: [1], strides: [1] })]]);
    await writeFile(misnamed, tinyCheckpoint({ root, storages: { 0: Float32Array.of(3) } }));
    await using checkpoint = await openCheckpoint(misnamed);
    expect([checkpoint.format, [...(await checkpoint.read("w")).data]]).toEqual(["pt", [3]]);
  });

  test("has the SHA-256 of its file as fingerprint", async () => {
    await using checkpoint = await openCheckpoint(file);
    expect(await checkpoint.fingerprint()).toBe(
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    );
  });

  test("stops opening and fingerprinting when told to", async () => {
    const reason = new Error("enough");
    await expect(openCheckpoint(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await using checkpoint = await openCheckpoint(file);
    await expect(checkpoint.fingerprint(AbortSignal.abort(reason))).rejects.toBe(reason);
    const later = new AbortController();
    const pending = checkpoint.fingerprint(later.signal);
    later.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });

  test("answers concurrent reads", async () => {
    await using checkpoint = await openCheckpoint(file);
    const [first, second] = await Promise.all([checkpoint.read("w"), checkpoint.read("w")]);
    expect(Buffer.compare(Buffer.from(first.data.buffer), Buffer.from(second.data.buffer))).toBe(0);
    expect(first.data).not.toBe(second.data);
  });

  test("refuses a name it does not hold", async () => {
    await using checkpoint = await openCheckpoint(file);
    for (const name of ["nothing", "__proto__"]) {
      await expect(checkpoint.read(name)).rejects.toMatchObject({
        code: "E_BAD_CHECKPOINT",
        message: `Checkpoint “${file}” holds no tensor "${name}".`,
      });
    }
  });

  test("refuses everything once it is closed", async () => {
    const checkpoint = await openCheckpoint(file);
    const pending = checkpoint.read("w").catch((error) => error);
    await checkpoint.close();
    await checkpoint.close();
    const outcome = await pending;
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "E_DISPOSED" });
    for (const use of [
      () => checkpoint.read("w"),
      () => checkpoint.read("x"),
      () => checkpoint.fingerprint(),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: "E_DISPOSED" });
    }
  });

  test("notices that its file was cut while it was open", async () => {
    const shrinking = path.join(folder, "shrinking.safetensors");
    await writeFile(shrinking, await readFile(file));
    await using checkpoint = await openCheckpoint(shrinking);
    await truncate(shrinking, 1000);
    for (const use of [() => checkpoint.read("w"), () => checkpoint.fingerprint()]) {
      await expect(use()).rejects.toMatchObject({
        code: "E_BAD_CHECKPOINT",
        message: expect.stringMatching(/shrinking\.safetensors.*changed while it was open/),
      });
    }
  });
});

describe("paths that are no checkpoint", () => {
  test.each([
    ["nothing", () => path.join(folder, "nothing.pt"), /There is no file “.*nothing\.pt”/],
    ["something below a file", () => path.join(file, "x.pt"), /There is no file/],
    ["a folder", () => folder, /is a folder without an index.*weights\.safetensors/],
    ["a device", () => "/dev/zero", /not a regular file|There is no file/],
    ["a text", () => fileURLToPath(import.meta.url), /is text that begins with "import \{ execFileSync/],
    ["a path with a null byte", () => "a\0b.pt", /cannot be read/],
  ])("%s", async (_, at, message) => {
    await expect(openCheckpoint(at())).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
      message: expect.stringMatching(message),
    });
  });

  test.skipIf(process.platform === "win32")("a named pipe nobody writes to", async () => {
    const pipe = path.join(folder, "pipe.pt");
    execFileSync("mkfifo", [pipe]);
    await expect(openCheckpoint(pipe)).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
      message: expect.stringMatching(/pipe\.pt” is not a regular file/),
    });
  });
});
