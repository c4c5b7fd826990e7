import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Mask } from "@unsam/sdk";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRefusal, sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
const click = ["--point", "211,144"];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-cli-ladder-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("unsam ladder", () => {
  it("draws a sheet and prints one JSON document, whose masks are those of unsam segment", async () => {
    const out = path.join(folder, "ladder.png");
    const { code, stdout } = await unsam([
      "ladder",
      photo,
      ...click,
      "--levels",
      "7",
      "--out",
      out,
      "--json",
    ]);
    expect(code).toBe(0);
    await expectSchema("ladder", stdout);
    const { rungs, levels, stable, nested } = JSON.parse(stdout);
    expect(levels).toEqual([0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1]);
    expect(rungs.flatMap((rung: { levels: number[] }) => rung.levels)).toEqual(levels);
    expect(levels).toContain(stable);
    expect(nested.holds).toBe(true);
    expect((await readFile(out)).subarray(1, 4).toString()).toBe("PNG");
    const [first] = rungs;
    const single = await unsam(["segment", photo, ...click, "--granularity", `${first.range[0]}`, "--json"]);
    const { segment } = JSON.parse(single.stdout);
    expect(Mask.fromRLE(first.segment.rle).equals(Mask.fromRLE(segment.rle))).toBe(true);
  });

  it("says what it found, takes a list of levels, and writes nothing unless asked", async () => {
    const before = await readdir(folder);
    const args = ["ladder", photo, ...click, "--levels", "fine,0.5,1", "--nested"];
    const { code, stdout } = await unsam(args, { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/scales? at 3 granularities/);
    expect(stdout).toMatch(/^\* \d/m);
    expect(await readdir(folder)).toEqual(before);
  });

  it.each<[string, string[], RegExp]>([
    ["no prompt", [], /no prompt/],
    ["no levels", [...click, "--levels", "0"], /whole number/],
    ["too many levels", [...click, "--levels", "1000"], /1000/],
    ["a level auto", [...click, "--levels", "0.1,auto"], /no level auto/],
    ["a level beyond 1", [...click, "--levels", "0.1,3"], /number from 0 to 1/],
    ["a tile of three pixels", [...click, "--tile", "3"], /tile/],
    ["a missing calibration", [...click, "--calibration", "none.json"], /no file “none\.json”/],
    ["a photo as calibration", [...click, "--calibration", photo], /dragonfruit\.jpg/],
  ])("refuses %s with one sentence and exit code 2, and writes nothing", async (_, args, reason) => {
    await expectRefusal(["ladder", photo, ...args, "--out", "wanted.png", "--json"], folder, reason);
  });
});

describe("unsam calibrate", () => {
  /** The whole dragon fruit half at granularity 0.5, as a label for granularity 1. */
  async function targets(name: string): Promise<string> {
    const { stdout } = await unsam(["segment", photo, ...click, "--granularity", "0.5", "--json"]);
    const { segment } = JSON.parse(stdout);
    const file = path.join(folder, name);
    const regions = [{ image: photo, points: [[211, 144]], granularity: 1, mask: segment.rle }];
    await writeFile(file, JSON.stringify({ regions }));
    await expectSchema("calibration-targets", await readFile(file, "utf8"));
    return file;
  }

  it("fits granularity to labelled regions, and segment and ladder take the result", async () => {
    const out = path.join(folder, "fruit.json");
    const { code, stdout } = await unsam([
      "calibrate",
      "--targets",
      await targets("t.json"),
      "--out",
      out,
      "--json",
    ]);
    expect(code).toBe(0);
    await expectSchema("calibration", stdout);
    expect(JSON.parse(await readFile(out, "utf8"))).toEqual(JSON.parse(stdout));
    const { fit, knots } = JSON.parse(stdout);
    expect(fit).toMatchObject({ goal: "labels", after: 1, regions: 1 });
    const calibration = ["--calibration", out];
    const coarse = JSON.parse((await unsam(["segment", photo, ...click, ...calibration, "--json"])).stdout);
    const own = JSON.parse(
      (await unsam(["segment", photo, ...click, "--granularity", "0.5", "--json"])).stdout,
    );
    expect(coarse.segment.granularity).toBe(1);
    expect(coarse.segment.rle).toEqual(own.segment.rle);
    expect(knots.at(-1)[1]).toBeLessThan(1);
    const ladder = await unsam(["ladder", photo, ...click, ...calibration, "--levels", "1", "--json"]);
    expect(JSON.parse(ladder.stdout).rungs[0].segment.rle).toEqual(own.segment.rle);
    // Five processes, each of which loads and encodes; on a busy machine half a minute is not enough.
  }, 120_000);

  it("meets a statistic over the photos of a pattern", async () => {
    const out = path.join(folder, "median.json");
    const goal = ["--median-area", "0.05", "--granularity", "medium", "--points-per-side", "6"];
    const pattern = path.join(path.dirname(photo), "fruit-b*.jpg");
    const { code, stdout } = await unsam(["calibrate", pattern, ...goal, "--out", out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/medianRegionArea over 1 image: .* before, .* now, 0\.0500 wanted/);
    await expectSchema("calibration", await readFile(out, "utf8"));
  });

  it.each<[string, string[], RegExp]>([
    ["no goal", [photo], /one goal/],
    ["two goals", [photo, "--regions", "5", "--median-area", "3"], /one goal/],
    ["no image", ["--regions", "5"], /no images/],
    ["standard input", ["-", "--regions", "5"], /from files; - is none/],
    ["a pattern without photos", ["no*where.jpg", "--regions", "5"], /No file matches/],
    ["a missing image", ["nowhere.jpg", "--regions", "5"], /nowhere\.jpg/],
    ["missing targets", ["--targets", "none.json"], /no file “none\.json”/],
    ["a photo as targets", ["--targets", photo], /not UTF-8/],
    ["targets and images", [photo, "--targets", "none.json"], /leave IMAGES/],
    [
      "a limit for masks without masks",
      [photo, "--regions", "5", "--max-bytes", "9"],
      /--targets; leave it out/,
    ],
    ["a region count of 0", [photo, "--regions", "0"], /above 0/],
    ["more regions than clicks", [photo, "--regions", "500"], /500/],
    ["granularity auto", [photo, "--regions", "5", "--granularity", "auto"], /auto/],
  ])("refuses %s with one sentence and exit code 2, and writes nothing", async (_, args, reason) => {
    await expectRefusal(["calibrate", ...args, "--out", "wanted.json"], folder, reason);
  });

  it.each<[string, unknown]>([
    ["no regions", { regions: [] }],
    ["an unknown key", { regions: [], colour: "red" }],
    ["a region without a mask", { regions: [{ image: "a.jpg", points: [[1, 2]] }] }],
    ["a mask that is not there", { regions: [{ image: "a.jpg", points: [[1, 2]], mask: "none.png" }] }],
    [
      "a broken RLE",
      { regions: [{ image: "a.jpg", points: [[1, 2]], mask: { size: [4, 4], counts: [99] } }] },
    ],
    [
      "a giant RLE",
      { regions: [{ image: "a.jpg", points: [[1, 2]], mask: { size: [1e9, 1e9], counts: "0" } }] },
    ],
    [
      "masks of gigabytes",
      {
        regions: Array(90).fill({
          image: "a.jpg",
          points: [[1, 2]],
          mask: { size: [1e4, 1e4], counts: [1e8] },
        }),
      },
    ],
    ["a list", [1]],
  ])("refuses targets with %s", async (_, value) => {
    const file = path.join(folder, "bad-targets.json");
    await writeFile(file, JSON.stringify(value));
    const { code, stderr } = await unsam(["calibrate", "--targets", file, "--out", "wanted.json"], {
      cwd: folder,
    });
    expect(code).toBe(2);
    expect(sentences(stderr)).toHaveLength(1);
    expect(await readdir(folder)).not.toContain("wanted.json");
  });
});

describeWithShared("unsam ladder with a checkpoint", () => {
  it("tells where the mini UnSAMv2 model does not nest", async () => {
    const fixture = (...parts: string[]) => shared("parity", "unsamv2-mini", ...parts);
    const model = ["--model", fixture("checkpoint.pt"), "--config", fixture("config.json")];
    const args = ["ladder", fixture("img0.png"), "--point", "195,148", ...model];
    const { code, stdout } = await unsam([...args, "--json"]);
    expect(code).toBe(0);
    await expectSchema("ladder", stdout);
    expect(JSON.parse(stdout).nested.holds).toBe(false);
    expect((await unsam(args)).stdout).toMatch(/not nested between \d+ neighbours/);
  });
});
