import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";

const SIDE = 16_000;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-large-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("reads an image of 768 MB of pixels in much less", async () => {
  const file = path.join(folder, "large.jpg");
  const create = { width: SIDE, height: SIDE, channels: 3, background: "#806040" } as const;
  await sharp({ create, limitInputPixels: false }).jpeg({ quality: 50 }).toFile(file);
  const script = fileURLToPath(new URL("../scripts/read-parts.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, file, "2048"]);
  expect(Number(stdout)).toBeLessThan(480);
});
