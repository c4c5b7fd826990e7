import { execFileSync, spawnSync } from "node:child_process";
import { describe, it } from "vitest";

const isThere = ["ffmpeg", "ffprobe"].every((tool) => spawnSync(tool, ["-version"]).status === 0);

/** A suite that needs ffmpeg. Where it is not installed it is skipped, and its title says so. */
export function describeWithFFmpeg(title: string, body: () => void): void {
  if (isThere) describe(title, body);
  else describe.skip(title, () => it("is skipped: there is no ffmpeg on this machine", () => {}));
}

/** Runs ffmpeg in a folder; its standard output. Throws with what it says where it fails. */
export function ffmpeg(cwd: string, args: readonly string[], input?: Uint8Array): Buffer {
  const options = { cwd, maxBuffer: 2 ** 30, stdio: ["pipe", "pipe", "pipe"] as ["pipe", "pipe", "pipe"] };
  return execFileSync("ffmpeg", ["-v", "error", "-y", ...args], { ...options, input: input ?? "" });
}
