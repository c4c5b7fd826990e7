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

interface Ended {
  readonly code: number | null;
  /** Since it began, or since it was interrupted. */
  readonly seconds: number;
}

/** Runs `unsam`, and interrupts it so long after it began; how it ended, as a shell has it. */
function run(args: readonly string[], after: number | null): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: "ignore" });
    let since = performance.now();
    const timer =
      after !== null &&
      setTimeout(() => {
        since = performance.now();
        child.kill("SIGINT");
      }, after);
    child.on("close", (code, signal) => {
      if (timer) clearTimeout(timer);
      resolve({ code: signal === "SIGINT" ? 130 : code, seconds: (performance.now() - since) / 1000 });
    });
  });
}

describe.skipIf(process.platform === "win32")("Ctrl-C", { timeout: 120_000 }, () => {
  describe.each([
    ["segment", ["segment", "large.png", "--point", "9,9", "--out", "mask.png"]],
    ["everything", ["everything", "large.png", "--out", "scene.json"]],
    ["segment --model region-tree", ["segment", "large.png", "--model", "region-tree", "--point", "9,9"]],
  ])("ends %s at once", (_, args) => {
    let whole: number;
    beforeAll(async () => {
      const { code, seconds } = await run(args, null);
      expect(code).toBe(0);
      whole = 1000 * seconds;
      for (const name of await readdir(folder)) if (name !== "large.png") await rm(path.join(folder, name));
    });

    // Starting, decoding, the thread that looks at the photo: wherever it is by then.
    it.each([0.2, 0.45, 0.7])("after %f of the time that it takes", async (share) => {
      const { code, seconds } = await run(args, share * whole);
      expect(code).toBe(130);
      // A promise: it does not wait for what the threads are doing.
      expect(seconds).toBeLessThan(4);
      expect(await readdir(folder)).toEqual(["large.png"]);
    });
  });
});
