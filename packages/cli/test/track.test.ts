import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask } from "@unsam/sdk";
import { describeWithFFmpeg, describeWithShared, ffmpeg, inRepository, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
let frames: string;

/** Frames of a square that moves to the right, in a folder with names whose numbers have no leading zeros. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-cli-track-"));
  frames = path.join(folder, "frames");
  await sharp({ create: { width: 96, height: 64, channels: 3, background: "#204060" } })
    .png()
    .toFile(path.join(await made(frames), "frame2.png"));
  for (const [at, name] of [
    [10, "frame9.png"],
    [20, "frame10.png"],
  ] as const) {
    await sharp({ create: { width: 96, height: 64, channels: 3, background: "#204060" } })
      .composite([
        {
          input: { create: { width: 20, height: 20, channels: 3, background: "#e0c060" } },
          left: at,
          top: 20,
        },
      ])
      .png()
      .toFile(path.join(frames, name));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function made(name: string): Promise<string> {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(name, { recursive: true });
  return name;
}

describeWithShared("unsam track", () => {
  const model = () => [
    "--model",
    shared("parity", "video-mini", "checkpoint.safetensors"),
    "--config",
    shared("parity", "video-mini", "config.json"),
    "--threads",
    "1",
  ];

  it("writes a mask for each frame, both ways from the one that is prompted", async () => {
    const out = path.join(folder, "masks");
    const args = ["track", frames, ...model(), "--point", "20,30", "--frame", "1", "--out", out, "--json"];
    const { code, stdout } = await unsam(args);
    expect(code).toBe(0);
    await expectSchema("track", stdout);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ width: 96, height: 64, length: 3, prompted: 1, granularity: null });
    expect(document.frames.map(({ frame }: { frame: number }) => frame)).toEqual([0, 1, 2]);
    expect((await readdir(out)).sort()).toEqual(["00000.png", "00001.png", "00002.png", "tracks.json"]);
    expect(JSON.parse(await readFile(path.join(out, "tracks.json"), "utf8"))).toEqual(document);
    for (const { frame, rle } of document.frames) {
      const written = await Mask.fromPNG(await readFile(path.join(out, `0000${frame}.png`)));
      expect(written.equals(Mask.fromRLE(rle))).toBe(true);
    }
  });

  it("writes tracks in the format that is asked for, and draws a GIF without ffmpeg", async () => {
    const [tracks, gif] = [path.join(folder, "wheel.json"), path.join(folder, "wheel.gif")];
    const args = ["track", frames, ...model(), "--point", "20,30", "--frame", "1"];
    expect((await unsam([...args, "--out", tracks])).code).toBe(0);
    const text = await readFile(tracks, "utf8");
    await expectSchema("tracks", text);
    const [{ frames: written }] = JSON.parse(text).objects;
    expect(written.map(({ frame }: { frame: number }) => frame)).toEqual([0, 1, 2]);
    const masks = path.join(folder, "only-masks");
    const { stdout } = await unsam([...args, "--out", gif, "--masks", masks, "--json"], {
      env: { PATH: path.dirname(process.execPath) },
    });
    expect(JSON.parse(stdout).files).toMatchObject({ out: gif, masks: { length: 3 } });
    expect((await sharp(gif).metadata()).pages).toBe(3);
    expect((await readdir(masks)).sort()).toEqual(["00000.png", "00001.png", "00002.png"]);
  });

  describeWithFFmpeg("with ffmpeg", () => {
    it("draws a video of a video", async () => {
      ffmpeg(
        folder,
        "-framerate 5 -pattern_type glob -i frames/*.png -c:v libx264 -qp 0 clip.mp4".split(" "),
      );
      const out = path.join(folder, "wheel.mp4");
      const args = [
        "track",
        path.join(folder, "clip.mp4"),
        ...model(),
        "--point",
        "20,30",
        "--out",
        out,
        "--json",
      ];
      const { stdout, code } = await unsam(args);
      expect(code).toBe(0);
      await expectSchema("track", stdout);
      expect(JSON.parse(stdout).frames.map(({ time }: { time: number }) => time)).toEqual([0, 0.2, 0.4]);
      expect(ffmpeg(folder, "-i wheel.mp4 -f rawvideo -pix_fmt gray -".split(" ")).length).toBe(3 * 96 * 64);
    });
  });

  it("follows one way only where that is asked, and says what it saw", async () => {
    const args = ["track", frames, ...model(), "--point", "20,30", "--frame", "1", "--direction", "forward"];
    const { code, stdout } = await unsam(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/followed through 2 frames/);
  });

  it.each<[string, string[], RegExp]>([
    ["no prompt", [], /no prompt/],
    ["a frame that is not there", ["--point", "20,30", "--frame", "3"], /from 0 to 2/],
    ["a point outside", ["--point", "200,30"], /200/],
    ["a granularity", ["--point", "20,30", "--granularity", "0.3"], /without granularity/],
    ["a name of no format", ["--point", "20,30", "--out", "x.avi"], /x\.avi; end it with \.mp4/],
    [
      "a format for a drawn video",
      ["--point", "20,30", "--out", "x.mp4", "--format", "mots"],
      /--format is for tracks/,
    ],
    ["a transparent MP4", ["--point", "20,30", "--out", "x.mp4", "--style", "cutout"], /no transparency/],
    ["a direction that does not exist", ["--point", "20,30", "--direction", "up"], /forward, backward, both/],
  ])("refuses %s with one sentence and exit code 2, and writes nothing", async (_, args, reason) => {
    const out = path.join(folder, "nothing");
    const { code, stdout, stderr } = await unsam(["track", frames, ...model(), "--out", out, ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(reason);
    expect(sentences(stderr)).toHaveLength(1);
    expect(await readdir(folder)).not.toContain("nothing");
  });
});

describe("unsam track with the region tree", () => {
  it("follows an object without weights", async () => {
    const args = ["--model", "region-tree", "--point", "20,30", "--frame", "1", "--json"];
    const { code, stdout } = await unsam(["track", frames, ...args], { cwd: folder });
    expect(code).toBe(0);
    const [before, prompted, after] = JSON.parse(stdout).frames;
    expect(before.isPresent).toBe(false);
    expect(after).toMatchObject({ isPresent: true });
    // The square has 400 pixels; the tree rounds its corners.
    for (const { area } of [prompted, after]) expect(Math.abs(area - 400)).toBeLessThan(12);
  });

  it("refuses a photo", async () => {
    const photo = inRepository("docs", "images", "dragonfruit.jpg");
    const { code, stderr } = await unsam(["track", photo, "--model", "region-tree", "--point", "20,30"], {
      cwd: folder,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/folder/);
  });
});
