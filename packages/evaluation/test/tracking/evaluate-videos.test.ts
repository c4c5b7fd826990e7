import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Engine, VideoOptions } from "@unsam/core/engine";
import { openModel } from "@unsam/core/families";
import { decodeImage } from "@unsam/core/image";
import { Mask } from "@unsam/core/mask";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AnnotatedClip, openClips } from "#evaluation/datasets/clips/open-clips.js";
import { makeVideosReport, videosReportFiles } from "#evaluation/report/videos-report.js";
import { evaluateVideos, type VideosProgress } from "#evaluation/tracking/evaluate-videos.js";
import { plainF, plainJ, plainStatistics } from "./plain-davis.js";
import { bytesOf, frameName, HEIGHT, said, shown, WIDTH, writeDavisClip, writePng } from "./small-clips.js";

const FRAMES = 8;
const TREE = { kind: "model", model: "region-tree", config: null, withoutGranularity: false } as const;
const NANO = { ...TREE, model: "nano" } as const;
let folder: string;
let davis: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-videos-"));
  davis = path.join(folder, "DAVIS");
  await writeDavisClip(davis, "blocks", FRAMES);
  await writeDavisClip(davis, "again", 4);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The masks that the region tree gives to both objects, by itself: [frame][object - 1]. */
async function trackedMasks(engine: Engine, clip: AnnotatedClip): Promise<Mask[][]> {
  const read = (at: number) => decodeImage(clip.frames[at]);
  const options: VideoOptions = {
    keepCorrections: true,
    nonOverlapping: true,
    maxHoleArea: 0,
    history: 64,
    maxConditioningFrames: Number.POSITIVE_INFINITY,
    memoryStride: 1,
    memoryPrecision: "bfloat16",
    memory: "auto",
    maxFeatureBytes: 2 ** 26,
    spill: null,
  };
  const source = { width: WIDTH, height: HEIGHT, length: clip.frames.length, read };
  const video = await engine.openVideo!(source, options, {});
  const granularity = new Map([1, 2].map((id) => [id, 1]));
  try {
    for (const id of [1, 2]) {
      const mask = Mask.fromBytes(
        WIDTH,
        HEIGHT,
        bytesOf((x, y) => (said(0)(x, y) === id ? 1 : 0)),
      );
      const prompt = { points: [], box: null, mask, extend: false, granularity: 1 };
      await video.prompt(id, 0, prompt, {});
    }
    const all: Mask[][] = [];
    for (let at = 0; at < FRAMES; at++) {
      await video.start({});
      const answers = await video.track(at, { reverse: false, granularity }, {});
      all.push([1, 2].map((id) => answers!.get(id)!.mask));
    }
    return all;
  } finally {
    await video.dispose();
  }
}

describe("the protocol of DAVIS", () => {
  it("gives what a plain second writing gives, with pixels that do not count and an object that is away", async () => {
    const [clip] = (await openClips(davis)).filter(({ name }) => name === "blocks");
    const [{ scores }] = await evaluateVideos([clip], [TREE]);
    const engine = await openModel("region-tree");
    const masks = await trackedMasks(engine, clip);
    await engine.dispose();
    const image = (data: Uint8Array) => ({ width: WIDTH, height: HEIGHT, data });
    const means: number[] = [];
    for (const id of [1, 2]) {
      const [J, F]: [number[], number[]] = [[], []];
      for (let at = 1; at < FRAMES - 1; at++) {
        const own = image(masks[at][id - 1].toBytes());
        const wanted = image(bytesOf((x, y) => (said(at)(x, y) === id ? 1 : 0)));
        const isVoid = bytesOf((x, y) => (said(at)(x, y) === 255 ? 1 : 0));
        J.push(plainJ(own, wanted, isVoid));
        F.push(plainF(own, wanted, isVoid));
      }
      const found = scores!.objects[id - 1];
      expect(found).toMatchObject({ clip: "blocks", object: `${id}`, frames: FRAMES - 2 });
      for (const [name, values] of [["J", J] as const, ["F", F] as const]) {
        const plain = plainStatistics(values);
        for (const key of ["mean", "recall", "decay"] as const) {
          expect(found[name][key], `${name} ${key} of ${id}`).toBeCloseTo(plain[key], 12);
        }
        means.push(plain.mean);
      }
    }
    // Not a comparison of ones: the outlines that are said are not those that are seen.
    expect(means.every((one) => one > 0.2 && one < 0.99)).toBe(true);
    expect(scores!.JandF).toBeCloseTo(means.reduce((sum, one) => sum + one, 0) / 4, 12);
  });

  it("takes several models, tells how far it is, and writes reports and DAVIS's own tables", async () => {
    const clips = await openClips(davis);
    const told: VideosProgress[] = [];
    const results = await evaluateVideos(clips, [TREE, NANO], { onProgress: (one) => told.push(one) });
    expect(told.filter(({ model }) => model === "nano").map(({ done }) => done)).toEqual([
      ...Array(FRAMES + 5).keys(),
    ]);
    expect(told.every(({ total }) => total === FRAMES + 4)).toBe(true);
    const details = { command: "unsam eval", version: "1", date: new Date(0), folder: davis };
    const report = makeVideosReport(clips, results, { ...details, split: null, limit: null });
    expect(report.data).toMatchObject({ layout: "davis", videos: 2, frames: FRAMES + 4 });
    const files = videosReportFiles(report);
    const text = (name: string) => new TextDecoder().decode(files.get(name));
    expect(JSON.parse(text("report.json"))).toEqual(report);
    expect(text("report.md")).toContain("| blocks | 2 |");
    const { J, F, JandF } = results[1].scores!;
    const row = [JandF, J.mean, J.recall, J.decay, F.mean, F.recall, F.decay].map((one) => one.toFixed(3));
    expect(text("global_results-nano.csv").split("\n")).toEqual([
      "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay",
      row.join(","),
      "",
    ]);
    const rows = text("per-sequence_results-nano.csv").trim().split("\n");
    expect(rows.map((line) => line.split(",")[0])).toEqual([
      ...["Sequence", "again_1", "again_2", "blocks_1", "blocks_2"],
    ]);
  });

  it("does the other videos where a file of one is broken, and names it", async () => {
    const root = path.join(folder, "broken");
    await writeDavisClip(root, "bad", 4);
    await writeDavisClip(root, "good", 4);
    await writeDavisClip(root, "small", 4);
    await writeFile(path.join(root, "JPEGImages/480p/bad", frameName(2)), "no picture");
    const half = { width: WIDTH / 2, height: HEIGHT, channels: 1 } as const;
    const { default: sharp } = await import("sharp");
    await sharp(new Uint8Array((WIDTH / 2) * HEIGHT), { raw: half }).toFile(
      path.join(root, "JPEGImages/480p/small", frameName(1)),
    );
    const [{ clips, scores, failures }] = await evaluateVideos(await openClips(root), [TREE]);
    expect(clips).toBe(1);
    expect(scores!.objects.map(({ clip }) => clip)).toEqual(["good", "good"]);
    expect(failures.map(({ clip }) => clip)).toEqual(["bad", "small"]);
    expect(failures[0].error).toMatch(/bad.00002\.png.* is not an image/);
    expect(failures[1].error).toMatch(/small.00001\.png.* is 48×64, but .*00000\.png.* 96×64/);
  });

  it("says which objects have no frame to score", async () => {
    const root = path.join(folder, "held-back");
    for (let at = 0; at < 4; at++) {
      await writePng(path.join(root, "JPEGImages/480p/one", frameName(at)), shown(at));
    }
    await writePng(path.join(root, "Annotations/480p/one", frameName(0)), said(0));
    const [result] = await evaluateVideos(await openClips(root), [TREE]);
    expect(result).toMatchObject({ scores: null, failures: [] });
    expect(result.notScored).toEqual([
      { clip: "one", object: "1" },
      { clip: "one", object: "2" },
    ]);
  });

  it("ends with the reason of an abort, and with a model that there is not", async () => {
    const clips = await openClips(davis);
    const stop = new AbortController();
    const reason = new Error("enough");
    let frames = 0;
    const running = evaluateVideos(clips, [TREE], {
      signal: stop.signal,
      onProgress: ({ done }) => {
        frames = done;
        if (done === 3) stop.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(frames).toBe(3);
    const missing = { ...TREE, model: path.join(folder, "none.pt") };
    await expect(evaluateVideos(clips, [missing])).rejects.toMatchObject({ name: "UnSAMError" });
  });
});

describe("lists of videos", () => {
  const write = async (file: string, text: string) => {
    const whole = path.join(davis, file);
    await mkdir(path.dirname(whole), { recursive: true });
    await writeFile(whole, text);
  };
  const names = async (split: string) => (await openClips(davis, { split })).map(({ name }) => name);

  it("choose videos and their order, as DAVIS 2017, 2016 and SA-V write them", async () => {
    await write("ImageSets/2017/val.txt", "blocks\nagain\n");
    await write("ImageSets/2016/val.txt", "again\r\n");
    const pairs = [0, 1].map((at) => `/JPEGImages/480p/again/${at}.jpg /Annotations/480p/again/${at}.png`);
    await write("ImageSets/480p/trainval.txt", pairs.join("\n"));
    await write("sav_val.txt", "blocks\n");
    expect(await names("val")).toEqual(["blocks", "again"]);
    expect(await names("2016/val")).toEqual(["again"]);
    expect(await names("trainval")).toEqual(["again"]);
    expect(await names("sav_val")).toEqual(["blocks"]);
  });

  it.each(["vall", "../DAVIS/sav_val", "/etc/hosts", ""])(
    "that are not there are told: “%s”",
    async (split) => {
      await write("ImageSets/2017/val.txt", "blocks\nagain\n");
      await expect(openClips(davis, { split })).rejects.toMatchObject({
        code: "E_BAD_OPTION",
        message: expect.stringMatching(/has no list of videos .* it has .*2017\/val/),
      });
    },
  );

  it.each([
    ["nothing", "\n", /names no video/],
    ["a way out", "../../secret\n", /names (no video|the video)/],
    ["a video that is not there", "horse\n", /names the video “horse”, which is not in/],
  ])("are refused with %s", async (_, text, message) => {
    await write("ImageSets/2017/odd.txt", text);
    await expect(openClips(davis, { split: "odd" })).rejects.toMatchObject({
      code: "E_BAD_FILE",
      message: expect.stringMatching(message),
    });
  });

  it("are no way around frames that are missing, or the folder above", async () => {
    const root = path.join(folder, "no-frames");
    await mkdir(path.join(root, "JPEGImages", "480p"), { recursive: true });
    await writePng(path.join(root, "Annotations/480p/one", frameName(0)), said(0));
    await expect(openClips(root)).rejects.toThrow(/The frames of .*one.* are missing: .*one.* is not there/);
    await expect(openClips(folder)).rejects.toThrow(/; give .*(DAVIS|broken|held-back)/);
  });
});
