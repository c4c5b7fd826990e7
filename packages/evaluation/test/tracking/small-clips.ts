import { mkdir } from "node:fs/promises";
import path from "node:path";
import { grey } from "../datasets/files.js";

export const [WIDTH, HEIGHT] = [96, 64];
const SIZE = [WIDTH, HEIGHT] as const;
type Value = (x: number, y: number) => number;

export const bytesOf = (value: Value, [width, height]: readonly [number, number] = SIZE) =>
  Uint8Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));

export async function writePng(
  file: string,
  value: Value,
  size: readonly [width: number, height: number] = SIZE,
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await grey(bytesOf(value, size), size[0]).toFile(file);
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
