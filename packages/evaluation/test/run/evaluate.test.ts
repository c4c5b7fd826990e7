import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { evaluate, makeReport, openDatasets, reportFiles } from "@unsam/evaluation";
import { describeWithShared, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const everything = { interactive: true, recall: true, boundary: true, partition: true };
const nothing = { interactive: false, recall: false, boundary: false, partition: false };
const OPTIONS = { levels: [0.25, 0.5, 0.75, 1], limit: null, measures: nothing, seed: 3 };
const [OTSU, TREE, GRAPH] = (["otsu", "region-tree", "felzenszwalb"] as const).map((name) => ({
  kind: "baseline" as const,
  name,
}));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-evaluate-"));
  for (const part of ["images", "labels"]) await mkdir(path.join(folder, part));
  // Two bright squares on a dark, faintly graded ground.
  for (const [name, shift] of [
    ["a", 0],
    ["b", 7],
    ["c", 3],
  ] as const) {
    const photo = new Uint8Array(3 * 64 * 48);
    const labels = new Uint8Array(64 * 48);
    for (let y = 0, i = 0; y < 48; y++) {
      for (let x = 0; x < 64; x++, i++) {
        const square =
          y >= 10 && y < 30 ? (x >= 5 + shift && x < 20 + shift ? 1 : x >= 35 && x < 60 ? 2 : 0) : 0;
        labels[i] = square;
        photo.fill(square > 0 ? 200 + 10 * square : 20 + (x >> 3), 3 * i, 3 * i + 3);
      }
    }
    await sharp(photo, { raw: { width: 64, height: 48, channels: 3 } })
      .png()
      .toFile(path.join(folder, "images", `${name}.png`));
    await sharp(labels, { raw: { width: 64, height: 48, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toFile(path.join(folder, "labels", `${name}.png`));
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe("an evaluation", () => {
  it("of a scene that Otsu solves is perfect in every measure", async () => {
    const [result] = await evaluate(await openDatasets(folder), [OTSU], { ...OPTIONS, measures: everything });
    const { summary } = result;
    expect(result.failures).toEqual([]);
    expect([summary.images, summary.clicks]).toEqual([3, 6]);
    expect(summary.meanIou).toEqual({ fixed: 1, auto: 1, oracle: 1 });
    expect(summary.meanIouInterval).toEqual({ fixed: [1, 1], auto: [1, 1], oracle: [1, 1] });
    expect(summary.fixedGranularity).toBeNull();
    expect(summary.granularity).toBeNull();
    expect(summary.interactive!.dial).toBeNull();
    expect(summary.interactive!.auto).toEqual({
      oneClickIou: 1,
      noc80: 1,
      noc85: 1,
      noc90: 1,
      failures90: 0,
    });
    expect(summary.averageRecall!.value).toBe(1);
    expect(summary.boundary!.ods).toEqual({ precision: 1, recall: 1, f: 1 });
    expect(summary.partition).toEqual({
      covering: { ods: 1, ois: 1, best: 1 },
      probabilisticRandIndex: { ods: 1, ois: 1 },
      variationOfInformation: { ods: 0, ois: 0 },
    });
    expect(summary.iouBySize.map(({ from, clicks }) => [from, clicks])).toEqual([
      [0.03, 3],
      [0.1, 3],
    ]);
  });

  it("of several methods says the same again, whatever the threads did", async () => {
    const datasets = await openDatasets(folder);
    const run = async () => {
      const results = await evaluate(datasets, [TREE, GRAPH], { ...OPTIONS, measures: everything });
      return {
        results,
        report: makeReport(results, { command: "x", version: "1", date: new Date(0), options: OPTIONS }),
      };
    };
    const [first, second] = [await run(), await run()];
    expect(second.report).toEqual(first.report);
    expect(
      first.report.results.map(({ dataset, method }) => `${dataset}/${method}`.replace(/^.*\//, "")),
    ).toEqual(["region-tree (baseline)", "felzenszwalb"]);
    const [tree, graph] = first.results.map(({ summary }) => summary);
    expect(tree.granularity!.nestingViolation).toBe(0);
    expect(tree.meanIou.oracle).toBeGreaterThanOrEqual(Math.max(tree.meanIou.auto!, tree.meanIou.fixed!));
    expect(graph.autoIsFixed).toBe(true);
    expect(graph.meanIou.auto).toBe(graph.meanIou.fixed);
    expect(graph.iouByGranularity.length).toBe(12);
    const files = await reportFiles(first.report, first.results);
    expect([...files.keys()]).toEqual([
      "report.json",
      "report.md",
      "tables.tex",
      "clicks.csv",
      "report.html",
    ]);
    const html = new TextDecoder().decode(files.get("report.html"));
    expect(html).toContain("data:image/png;base64,");
    expect(html).not.toMatch(/(src|href)="?(https?:)?\/\//);
  });

  it("reports every click, and differences of two methods that are those of their means", async () => {
    const results = await evaluate(await openDatasets(folder), [TREE, GRAPH], OPTIONS);
    const details = { command: "x", version: "1", date: new Date(0), options: OPTIONS };
    const { results: reports, differences } = makeReport(results, details);
    for (const { scores, meanIou, clicks } of reports) {
      const autos = scores.flatMap((image) => image.clicks.map(({ ious }) => Math.max(...ious)));
      expect(autos.length).toBe(clicks);
      expect(autos.reduce((sum, iou) => sum + iou, 0) / clicks).toBeCloseTo(meanIou.oracle!, 12);
    }
    const [tree, graph] = reports;
    expect(differences).toMatchObject([{ methods: [tree.method, graph.method] }]);
    for (const key of ["fixed", "auto", "oracle"] as const) {
      const { difference, interval, values } = differences[0][key];
      expect(difference).toBeCloseTo(tree.meanIou[key]! - graph.meanIou[key]!, 12);
      expect(interval[0]).toBeLessThanOrEqual(difference);
      expect(interval[1]).toBeGreaterThanOrEqual(difference);
      expect(values).toBe(tree.clicks);
    }
  });

  it("tells of an image that cannot be read and does the others", async () => {
    await writeFile(path.join(folder, "images", "bad.png"), "no image");
    await sharp(new Uint8Array(4), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toFile(path.join(folder, "labels", "bad.png"));
    const [result] = await evaluate(await openDatasets(folder), [OTSU], OPTIONS);
    await rm(path.join(folder, "images", "bad.png"));
    expect(result.failures.map(({ image }) => image)).toEqual(["bad"]);
    expect(result.failures[0].error).toMatch(/bad\.png/);
    expect(result.summary.meanIou.oracle).toBe(1);
    expect(result.summary.images).toBe(3);
  });

  it("stops with the signal's reason", async () => {
    const controller = new AbortController();
    const running = evaluate(await openDatasets(folder), [TREE], {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: ({ done }) => done === 1 && controller.abort(new Error("enough")),
    });
    await expect(running).rejects.toThrow("enough");
  });

  it("takes a limited number of images, spread evenly", async () => {
    const [result] = await evaluate(await openDatasets(folder), [OTSU], { ...OPTIONS, limit: 2 });
    expect(result.images.map(({ image }) => image)).toEqual(["a", "b"]);
  });
});

describeWithShared("Otsu's baseline", () => {
  it("reaches the known figures on the fixed clicks", async () => {
    const results = await evaluate(await openDatasets(shared("data", "eval")), [OTSU], OPTIONS);
    const known: Record<string, number> = {
      bsds500: 0.202,
      dsb2018: 0.699,
      camvid: 0.113,
      em_isbi2012: 0.498,
    };
    for (const { dataset, summary } of results) {
      for (const value of Object.values(summary.meanIou)) {
        expect(Math.abs((value as number) - known[dataset.name])).toBeLessThan(0.001);
      }
    }
    expect(results.length).toBe(4);
  }, 120_000);
});
