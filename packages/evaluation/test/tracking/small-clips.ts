import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";

export const [WIDTH, HEIGHT] = [96, 64];
type Value = (x: number, y: number) => number;

export const bytesOf = (value: Value) =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => value(i % WIDTH, Math.floor(i / WIDTH)));

export async function writePng(file: string, value: Value): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
  await writeFile(file, await sharp(bytesOf(value), { raw }).toColourspace("b-w").png().toBuffer());
}

export const frameName = (at: number) => `${String(at).padStart(5, "0")}.png`;

/** A bright and a dark block that move to the right over a restless ground. */
export const shown =
  (at: number): Value =>
  (x, y) =>
    inBlock(x - 2 * at, y, 10) ? 235 : inBlock(x - 2 * at, y, 38) ? 15 : 100 + ((x * 7 + y * 13) % 25);

/**
 * What is said of them, on purpose not what is seen: the outline of the bright one slips up from frame to frame, the dark one is said
 * to be away on frame 4, and below line 56 nothing counts.
 */
export const said =
  (at: number): Value =>
  (x, y) => {
    if (y >= 56) return 255;
    if (inBlock(x - 2 * at, y + at, 10)) return 1;
    return at !== 4 && inBlock(x - 2 * at, y, 38) ? 2 : 0;
  };

function inBlock(x: number, y: number, top: number): boolean {
  return x >= 12 && x < 34 && y >= top && y < top + 22;
}

/** A video in the layout of DAVIS. */
export async function writeDavisClip(root: string, name: string, frames: number): Promise<void> {
  for (let at = 0; at < frames; at++) {
    await writePng(path.join(root, "JPEGImages", "480p", name, frameName(at)), shown(at));
    await writePng(path.join(root, "Annotations", "480p", name, frameName(at)), said(at));
  }
}
