import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Outcome, unsam, unsamProcess } from "./run.js";
import { expectSchema } from "./schema.js";

let folder: string;
let data: string;
const SIZE = { width: 80, height: 60 };

/** A square that moves, in the layout of DAVIS 2016: one object, 255 in maps. */
async function writeClip(root: string, name: string, frames: number): Promise<void> {
  for (let at = 0; at < frames; at++) {
    const inside = Array.from({ length: SIZE.width * SIZE.height }, (_, i) => {
      const [x, y] = [(i % SIZE.width) - 2 * at, Math.floor(i / SIZE.width)];
      return x >= 10 && x < 35 && y >= 15 && y < 40;
    });
    const photo = Uint8Array.from(inside, (is, i) => (is ? 230 : 60 + ((i * 7) % 30)));
    const map = Uint8Array.from(inside, (is) => (is ? 255 : 0));
    for (const [part, bytes] of [["JPEGImages", photo] as const, ["Annotations", map] as const]) {
      const file = path.join(root, part, "480p", name, `0000${at}.png`);
      await mkdir(path.dirname(file), { recursive: true });
      const raw = { ...SIZE, channels: 1 } as const;
      await sharp(bytes, { raw }).toColourspace("b-w").png().toFile(file);
    }
  }
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-eval-videos-"));
  data = path.join(folder, "DAVIS");
  for (const name of ["one", "two", "three"]) await writeClip(data, name, 5);
  await mkdir(path.join(data, "ImageSets", "2016"), { recursive: true });
  await writeFile(path.join(data, "ImageSets", "2016", "val.txt"), "two\none\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const davis = (...args: string[]): Promise<Outcome> =>
  unsam(["eval", "--protocol", "davis", "--model", "region-tree", ...args]);

describe("unsam eval --protocol davis", () => {
  it("prints one JSON document and writes the same as a report", async () => {
    const out = path.join(folder, "report");
    const { code, stdout, stderr } = await davis("--data", data, "--split", "val", "--out", out, "--json");
    expect(code).toBe(0);
    await expectSchema("eval-videos", stdout);
    const report = JSON.parse(stdout);
    expect(JSON.parse(await readFile(path.join(out, "report.json"), "utf8"))).toEqual(report);
    expect((await readdir(out)).sort()).toEqual([
      "global_results-region-tree.csv",
      "per-sequence_results-region-tree.csv",
      "report.json",
      "report.md",
    ]);
    expect(report.data).toMatchObject({ layout: "davis", split: "val", videos: 2, frames: 10 });
    const [{ model, objects, JandF }] = report.results;
    expect(model).toBe("region-tree");
    expect(objects.map(({ clip }: { clip: string }) => clip)).toEqual(["two", "one"]);
    expect(JandF).toBeGreaterThan(0.9);
    expect(stderr).toMatch(/10\/10 region-tree on one, .* frames\/s/);
  });

  it("prints a line per model without --json, of as many videos as asked for", async () => {
    const { code, stdout } = await davis("--data", data, "--limit", "1", "--model", "nano");
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines[1]).toMatch(/^model +videos +objects +J&F +J +J recall/);
    expect(lines[2]).toMatch(/^region-tree +1 +1 +(0\.9\d\d|1\.000) /);
    expect(lines[3]).toMatch(/^nano +1 +1 /);
  });

  it("ends with 1 where a video cannot be read, and does the others", async () => {
    const broken = path.join(folder, "broken");
    await cp(data, broken, { recursive: true });
    await writeFile(path.join(broken, "Annotations", "480p", "two", "00003.png"), "no map");
    const { code, stdout, stderr } = await davis("--data", broken, "--json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^region-tree: two: .*00003\.png/m);
    await expectSchema("eval-videos", stdout);
    const [{ videos, objects, failures }] = JSON.parse(stdout).results;
    expect([videos, objects.length, failures.length]).toEqual([2, 2, 1]);
  });

  it("ends with 1 and the reason where nothing is scored", async () => {
    const held = path.join(folder, "held-back");
    await writeClip(held, "one", 2);
    const { code, stdout, stderr } = await davis("--data", held, "--json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/has nothing to score: no object of it is annotated on three frames or more/);
    await expectSchema("eval-videos", stdout);
  });

  it.each([
    [["--levels", "3"], /--levels says nothing about --protocol davis/],
    [["--baseline", "otsu"], /--baseline says nothing about --protocol davis/],
    [["--metrics", "all"], /--metrics says nothing about --protocol davis/],
    [["--split", "test"], /has no list of videos “test”; it has 2016\/val/],
  ])("refuses %s", async (args, message) => {
    const { code, stdout, stderr } = await davis("--data", data, ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  it("refuses a folder that is none, and a list for photos", async () => {
    const other = await davis("--data", folder);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/has no annotated videos: .*give “.*DAVIS|broken|held-back”/);
    const photos = await unsam(["eval", "--data", data, "--split", "val"]);
    expect([photos.code, photos.stdout]).toEqual([2, ""]);
    expect(photos.stderr).toMatch(/--split says nothing about --protocol clicks/);
  });

  it("takes the one folder that a pattern means, and none where nothing could be written", async () => {
    const pattern = path.join(folder, "DAV*");
    const { code, stdout } = await davis("--data", pattern, "--limit", "1", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).data.folder).toBe(data);
    const several = await davis("--data", path.join(folder, "*"));
    expect([several.code, several.stdout]).toEqual([2, ""]);
    expect(several.stderr).toMatch(/folders match .*; give one/);
    const inFile = path.join(data, "ImageSets", "2016", "val.txt");
    for (const out of [inFile, path.join(inFile, "below")]) {
      const refused = await davis("--data", data, "--out", out);
      expect([refused.code, refused.stdout]).toEqual([2, ""]);
      expect(refused.stderr).toMatch(/--out is .*val\.txt.*(is a file|nothing can be written)/);
      // Before a frame is looked at.
      expect(refused.stderr).not.toContain("frames/s");
    }
  });

  it("takes no levels that a file of defaults has for photos", async () => {
    const file = path.join(folder, "unsam.config.json");
    await writeFile(file, JSON.stringify({ eval: { levels: 3, model: "region-tree" } }));
    const args = ["eval", "--protocol", "davis", "--data", data, "--limit", "1", "--defaults", file];
    const { code, stderr } = await unsamProcess(args);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("region-tree on");
  });
});
