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
  const [peak, mapped] = await numbersOf("read-parts.mjs", file, "2048");
  expect(peak).toBeLessThan(480);
  expect(mapped).toBe(0);
});

it("finds everything in tiles in memory that depends on the tile", { timeout: 120_000 }, async () => {
  const file = path.join(folder, "blobs.jpg");
  const noise = { type: "gaussian", mean: 128, sigma: 50 } as const;
  const create = { width: 30, height: 30, channels: 3, background: "#000", noise } as const;
  await sharp({ create }).resize(2000, 2000, { kernel: "cubic" }).jpeg().toFile(file);
  const [peak, masks] = await numbersOf("everything-tiled.mjs", file, "768");
  expect(masks).toBeGreaterThan(200);
  expect(peak).toBeLessThan(480);
});

/** What a script prints. */
async function numbersOf(script: string, ...args: string[]): Promise<number[]> {
  const place = fileURLToPath(new URL(`../scripts/${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [place, ...args]);
  return stdout.split(" ").map(Number);
}
