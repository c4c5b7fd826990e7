import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MAIN = inRepository("packages", "cli", "dist", "main.js");
let folder: string;
let photo: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-interrupt-"));
  photo = path.join(folder, "large.png");
  // Takes seconds to decode and to segment.
  const [width, height] = [5000, 4000];
  const data = Buffer.alloc(3 * width * height);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7919 + (i >> 9) * 31) % 251;
  await writeFile(
    photo,
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Interrupts `unsam` so long after it began; how it ended, as a shell has it, and after how long. */
function interrupted(
  args: readonly string[],
  after: number,
): Promise<{ code: number | null; seconds: number }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: "ignore" });
    let sent = 0;
    setTimeout(() => {
      sent = performance.now();
      child.kill("SIGINT");
    }, after);
    child.on("close", (code, signal) => {
      resolve({ code: signal === "SIGINT" ? 130 : code, seconds: (performance.now() - sent) / 1000 });
    });
  });
}

describe.skipIf(process.platform === "win32")("Ctrl-C", { timeout: 120_000 }, () => {
  // Decoding, the region tree's thread, the network's: wherever it is by then.
  for (const after of [1500, 3000, 5000]) {
    it.each([
      ["segment", ["segment", "large.png", "--point", "9,9", "--out", "mask.png"]],
      ["everything", ["everything", "large.png", "--out", "scene.json"]],
      ["segment --model nano", ["segment", "large.png", "--model", "nano", "--point", "9,9"]],
    ])(`ends %s at once, after ${after} ms`, async (_, args) => {
      const { code, seconds } = await interrupted(args, after);
      // A promise: it does not wait for what the threads are doing, which takes ten seconds here.
      expect(seconds).toBeLessThan(4);
      expect(code).toBe(130);
      expect(await readdir(folder)).toEqual(["large.png"]);
    });
  }
});
