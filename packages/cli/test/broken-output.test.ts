import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences } from "./run.js";

// What a command does when nobody takes its output: as `cat`, but that a closed pipe is no failure.

const MAIN = inRepository("packages", "cli", "dist", "main.js");
const hasShell = existsSync("/bin/bash") && existsSync("/dev/full");
if (!hasShell)
  process.stderr.write("Tests of broken output are skipped: there is no bash or no /dev/full.\n");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-output-"));
  await mkdir(path.join(folder, "photos"));
  const data = Buffer.alloc(48 * 32 * 3, 40);
  for (let i = 0; i < data.length; i += 3) if ((i / 3) % 48 > 24) data.fill(200, i, i + 3);
  const photo = sharp(data, { raw: { width: 48, height: 32, channels: 3 } }).png();
  await writeFile(path.join(folder, "photos", "a.png"), await photo.toBuffer());
  const labels = { images: [{ id: 1, file_name: "a.png", width: 48, height: 32 }], categories: [] };
  const square = { id: 1, image_id: 1, iscrowd: 0, segmentation: [[2, 2, 20, 2, 20, 20, 2, 20]] };
  await writeFile(
    path.join(folder, "photos", "coco.json"),
    JSON.stringify({ ...labels, annotations: [square] }),
  );
  // Answers as a Python that has PyTorch, and as a trainer that has ended.
  const python = `#!/bin/sh
case "$1" in -c) echo '{"python":"3.12","torch":"2.5.0","numpy":"2.0","pillow":"11.0"}';;
*) echo '{"recipe":"nano","out":"x","step":1,"steps":1,"first_loss":null,"last_loss":null}';; esac
`;
  await writeFile(path.join(folder, "python"), python, { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// Not all: help of commands prints as --help does, ladder as segment, calibrate as eval.
const commands: [string, string[]][] = [
  ["--help", ["--help"]],
  ["--version", ["--version"]],
  ["segment", ["segment", "photos/a.png", "--point", "5,5"]],
  ["segment --json", ["segment", "photos/a.png", "--point", "5,5", "--json"]],
  ["segment --out -", ["segment", "photos/a.png", "--point", "5,5", "--out", "-"]],
  ["everything", ["everything", "photos/a.png", "--json"]],
  ["everything of a folder", ["everything", "photos", "--out", "scenes"]],
  ["eval", ["eval", "--data", "photos/coco.json", "--baseline", "otsu", "--levels", "2"]],
  ["pseudo-label", ["pseudo-label", "photos", "--out", "labels", "--threads", "1"]],
  ["inspect", ["inspect", inRepository("packages", "model-nano", "weights", "nano.safetensors")]],
  ["doctor", ["doctor"]],
  ["doctor --json", ["doctor", "--json"]],
  ["train", ["train", "--recipe", "nano", "--out", "x", "--python", "./python"]],
];

const pick = (...names: string[]) => commands.filter(([name]) => names.includes(name));

/** Runs `unsam ARGS` followed by the end of a line of shell; the exit code is that of `unsam`. */
function shell(args: readonly string[], end: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const line = `set -o pipefail; "$@" ${end}`;
    const child = spawn("/bin/bash", ["-c", line, "bash", process.execPath, MAIN, ...args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

/** Without lines of progress and of the trainer. */
const said = (stderr: string) =>
  sentences(stderr).filter(
    (line) =>
      !/^$|^Python |^\d+\/|^\d+ of |images are done|^photos\/a.png: a mask|^score |^wrote /.test(line),
  );

describe.skipIf(!hasShell)("unsam", { timeout: 120_000 }, () => {
  // All commands print through one place, so that one way to break it is enough for most.
  it.concurrent.each(commands)("%s onto a full device fails with one sentence", async (_, args) => {
    const { code, stderr } = await shell(args, "> /dev/full");
    expect(code).toBe(1);
    expect(said(stderr)).toEqual([
      "unsam: Standard output could not be written: ENOSPC: no space left on device, write.",
    ]);
  });

  it.concurrent.each(pick("--help", "segment --json", "segment --out -", "doctor"))(
    "%s into a pipe that nobody reads ends quietly",
    async (_, args) => {
      const { code, stderr } = await shell(args, "| true");
      expect([code, said(stderr)]).toEqual([0, []]);
    },
  );

  it.concurrent.each(["2> /dev/full", "2>&-", "2> >(true)"])("works with %s", async (end) => {
    for (const [name, args] of pick("everything of a folder", "train")) {
      // A folder of its own for each.
      const own = args.map((arg) => (arg === "scenes" ? `scenes ${end.replace("/", " ")}` : arg));
      const { code } = await shell(own, end);
      expect([name, code]).toEqual([name, 0]);
    }
  });

  it("fails as it would otherwise, unread or not", async () => {
    expect(await shell(["segment", "none.png", "--point", "5,5"], "| true")).toMatchObject({ code: 2 });
    expect(await shell(["segment", "none.png", "--point", "5,5"], "> /dev/full 2>&1")).toMatchObject({
      code: 2,
    });
    expect(await shell(["--wrong"], "2>&1 | true")).toMatchObject({ code: 2 });
  });

  it("prints the first lines of a long result to a reader that takes no more", async () => {
    const weights = inRepository("packages", "model-nano", "weights", "nano.safetensors");
    const { code, stderr } = await shell(["inspect", weights, "--json"], "| head -1");
    expect([code, said(stderr)]).toEqual([0, []]);
  });
});
