import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Mask } from "@unsam/core/mask";
import { evaluateObjects, makeObjectsReport, objectsReportFiles, openBenchmarks } from "@unsam/evaluation";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { openMethod } from "#evaluation/methods/open-method.js";
import { randomNumbers } from "#evaluation/random.js";
import { searchGranularity } from "#evaluation/run/objects/search-granularity.js";
import { grey, scratch } from "../datasets/files.js";
import { plainSearch } from "./plain-clicks.js";

const folder = scratch();
const LEVELS = [0.25, 0.5, 0.75, 1];
const TREE = { kind: "baseline", name: "region-tree" } as const;
const WIDTH = 24;
const HEIGHT = 18;

/** A photo of overlapping discs of near colours with noise, and the disc that lies on top of all. */
function discs(seed: number) {
  const random = randomNumbers(seed);
  const data = new Uint8Array(3 * WIDTH * HEIGHT).map(() => 90 + 12 * random());
  const inside = new Uint8Array(WIDTH * HEIGHT);
  for (let disc = 0; disc < 6; disc++) {
    const [cx, cy, r] = [WIDTH * random(), HEIGHT * random(), 3 + 4 * random()];
    const colour = [0, 1, 2].map(() => 70 + 90 * random());
    for (let i = 0; i < inside.length; i++) {
      const isIn = Math.hypot((i % WIDTH) - cx, Math.floor(i / WIDTH) - cy) < r;
      if (disc === 5) inside[i] = isIn ? 1 : 0;
      if (isIn) for (let c = 0; c < 3; c++) data[3 * i + c] = colour[c] + 30 * random();
    }
  }
  return { image: { data, width: WIDTH, height: HEIGHT }, object: Mask.fromBytes(WIDTH, HEIGHT, inside) };
}

describe("the search for the granularity", () => {
  it("clicks and ends as a plain second writing of the published one, on region trees", async () => {
    const method = await openMethod(TREE, LEVELS);
    const lengths = new Set<number>();
    for (let seed = 1; seed <= 12; seed++) {
      const made = discs(seed);
      const { image } = made;
      // Every third pixel of a disc is no region of any tree: it is never reached.
      const thinned = made.object.toBytes().map((value, i) => (i % 3 === 0 ? value : 0));
      const object = seed % 5 > 0 ? made.object : Mask.fromBytes(WIDTH, HEIGHT, thinned);
      const counted =
        seed % 3 > 0
          ? null
          : Mask.fromBytes(
              WIDTH,
              HEIGHT,
              Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % 11 > 1 ? 1 : 0)),
            );
      const prepared = await method.prepare(image);
      const found = await searchGranularity(prepared, object, counted, LEVELS);
      expect(found).toEqual(await plainSearch(prepared, object, counted, LEVELS));
      lengths.add(found.ious.length);
      await prepared.dispose();
    }
    // Objects that are reached at once, some later, some never.
    expect(Math.min(...lengths)).toBe(1);
    expect(Math.max(...lengths)).toBe(20);
    expect(lengths.size).toBeGreaterThan(3);
    await method.dispose();
  }, 60_000);

  it("is one run at the method's own choice where there is no granularity", async () => {
    const method = await openMethod({ kind: "baseline", name: "otsu" }, LEVELS);
    const { image, object } = discs(3);
    const prepared = await method.prepare(image);
    const { granularity, ious, clicks } = await searchGranularity(prepared, object, null, []);
    expect([granularity, ious.length]).toEqual([null, clicks.length]);
  });
});

describe("an evaluation of objects", () => {
  const options = { levels: LEVELS, limit: null, clicks: true, recall: true, seed: 5 };

  async function benchmark(name: string): Promise<string> {
    const dir = await folder(name, "data_GT", "boundary_GT");
    for (let seed = 1; seed <= 4; seed++) {
      const { image, object } = discs(seed);
      const { data, ...size } = image;
      const file = (part: string) => path.join(dir, part, `p${seed}.png`);
      await sharp(data, { raw: { ...size, channels: 3 } })
        .png()
        .toFile(file("data_GT"));
      await grey(Uint8Array.from(object.toBytes(255)), WIDTH).toFile(file("boundary_GT"));
    }
    return dir;
  }

  it("scores each image by itself, and tells of those that cannot be read", async () => {
    const dir = await benchmark("GrabCut");
    await writeFile(path.join(dir, "data_GT", "p2.png"), "no photo");
    const opened = await openBenchmarks([dir]);
    const told: number[] = [];
    const results = await evaluateObjects(opened, [TREE, { kind: "baseline", name: "otsu" }], {
      ...options,
      onProgress: ({ done }) => told.push(done),
    });
    expect(told).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    expect(results.map(({ method }) => method.name)).toEqual(["region-tree (baseline)", "otsu"]);
    const method = await openMethod(TREE, LEVELS);
    for (const { images, failures } of results) {
      expect(images.map(({ image }) => image)).toEqual(["p1", "p3", "p4"]);
      expect(failures).toMatchObject([{ image: "p2", error: expect.stringMatching(/p2\.png/) }]);
    }
    for (const { image, objects, recall } of results[0].images) {
      const { image: pixels, object } = discs(Number(image.slice(1)));
      const plain = await plainSearch(await method.prepare(pixels), object, null, LEVELS);
      expect(objects).toMatchObject([
        { annotator: 1, region: 1, share: object.area / WIDTH / HEIGHT, ...plain },
      ]);
      expect(recall).toBeNull();
    }
  }, 60_000);

  it("makes a report whose means, tables and lines of clicks are those of its scores", async () => {
    const results = await evaluateObjects(await openBenchmarks([await benchmark("Again")]), [TREE], options);
    const details = {
      command: "unsam eval",
      version: "1",
      code: null,
      date: new Date(0),
      half: "all",
    } as const;
    const report = makeObjectsReport(results, { ...details, seed: 5, levels: LEVELS, limit: null });
    const [{ noc80, noc90, oneClickIou, scores, failures90 }] = report.results;
    const lists = scores.flatMap(({ objects }) => objects.map(({ ious }) => ious));
    const clicks = (target: number) =>
      lists.map(
        (ious) => 1 + (ious.some((iou) => iou >= target) ? ious.findIndex((iou) => iou >= target) : 19),
      );
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(noc80!.mean).toBeCloseTo(mean(clicks(0.8)), 12);
    expect(noc90!.mean).toBeCloseTo(mean(clicks(0.9)), 12);
    expect(oneClickIou!.mean).toBeCloseTo(mean(lists.map(([first]) => first)), 12);
    expect(failures90).toBe(lists.filter((ious) => ious.every((iou) => iou < 0.9)).length / lists.length);
    const files = objectsReportFiles(report);
    const text = (name: string) => new TextDecoder().decode(files.get(name));
    expect(JSON.parse(text("report.json"))).toEqual(report);
    const lines = text("clicks.csv").trimEnd().split("\n");
    expect(lines.length).toBe(1 + lists.flat().length);
    expect(lines[0]).toBe(
      "dataset,method,image,annotator,region,share,granularity,noc80,noc90,click,x,y,label,iou",
    );
    expect(Number(lines[1].split(",").at(-1))).toBe(lists[0][0]);
    expect(text("tables.tex")).toContain(`${noc80!.mean.toFixed(2)} & ${noc90!.mean.toFixed(2)}`);
  }, 60_000);

  it("stops with the signal's reason", async () => {
    const controller = new AbortController();
    const running = evaluateObjects(await openBenchmarks([await benchmark("Stopped")]), [TREE], {
      ...options,
      signal: controller.signal,
      onProgress: ({ done }) => done === 1 && controller.abort(new Error("enough")),
    });
    await expect(running).rejects.toThrow("enough");
  });
});
