import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EncodedImage as Encoded, type EncodedImage, type EverythingProgress, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANYTHING, photo, smallNetwork } from "./scenes.js";

let tree: UnSAM;
let network: UnSAM;
let image: EncodedImage;
let noise: EncodedImage;
beforeAll(async () => {
  tree = await UnSAM.load({ model: "region-tree" });
  network = await UnSAM.load({ model: smallNetwork });
  image = await tree.encode(photo);
  noise = await network.encode(photo);
});
afterAll(async () => {
  await tree.dispose();
  await network.dispose();
});

describe("image.everything", () => {
  it("can be iterated and then awaited: the scene is made of what was found", async () => {
    const seen: EverythingProgress[] = [];
    const run = image.everything({
      prompting: "grid",
      pointsPerSide: 16,
      granularity: [0.3, 0.9],
      levels: 2,
      onProgress: (progress) => seen.push(progress),
    });
    const areas = new Set<number>();
    let last: EverythingProgress | null = null;
    for await (const { masks, progress } of run) {
      for (const { area, mask, score, granularity } of masks) {
        expect(mask.area).toBe(area);
        expect(score).toBeGreaterThanOrEqual(0);
        expect([0.3, 0.9]).toContain(granularity);
        areas.add(area);
      }
      expect(progress.prompts).toBeGreaterThan(last?.prompts ?? 0);
      last = progress;
    }
    expect(last).toMatchObject({ prompts: 512, promptsAtMost: 512, granularity: 0.9 });
    expect(seen.at(-1)).toEqual(last);
    const scene = await run;
    expect(scene.masks.length).toBeGreaterThan(20);
    for (const { area, granularity } of scene.masks) {
      expect(areas.has(area)).toBe(true);
      expect([0.3, 0.9]).toContain(granularity);
    }
    // Awaiting again gives the same scene, and so does awaiting alone.
    expect(await run).toBe(scene);
    const alone = await image.everything({
      prompting: "grid",
      pointsPerSide: 16,
      granularity: [0.3, 0.9],
      levels: 2,
    });
    expect(alone.masks.map(({ area, score }) => [area, score])).toEqual(
      scene.masks.map(({ area, score }) => [area, score]),
    );
  });

  it("does nothing until it is awaited, and no error goes unheard", async () => {
    let calls = 0;
    const run = image.everything({ prompting: "grid", pointsPerSide: 4, onProgress: () => calls++ });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(0);
    await run.finally(() => {});
    expect(calls).toBeGreaterThan(0);
    const failing = image.everything({
      prompting: "grid",
      onProgress: () => {
        throw new Error("no more");
      },
    });
    await expect(failing).rejects.toThrow("no more");
    await expect(failing.catch((error: unknown) => (error as Error).message)).resolves.toBe("no more");
  });

  it("is cancelled by its signal, and by leaving the loop", async () => {
    const controller = new AbortController();
    const cancelled = noise.everything({ ...ANYTHING, prompting: "grid", signal: controller.signal });
    const outcome = cancelled.then(
      () => "done",
      (error: unknown) => (error as Error).message,
    );
    setTimeout(() => controller.abort(new Error("that will do")), 100);
    expect(await outcome).toBe("that will do");

    const left = noise.everything({ ...ANYTHING, prompting: "grid" });
    for await (const { progress } of left) {
      expect(progress.prompts).toBe(64);
      break;
    }
    await expect(left).rejects.toMatchObject({ name: "AbortError" });
    const already = image.everything({ signal: AbortSignal.abort(new Error("before")) });
    await expect(already).rejects.toThrow("before");
    // The image is as good as before.
    expect((await image.everything({ granularity: 0.5 })).masks.length).toBeGreaterThan(5);
  });

  it("takes a range, a list, a number or a name", async () => {
    const levelsOf = async (options: object) => {
      const scene = await image.everything({ prompting: "grid", pointsPerSide: 10, ...options });
      return [...new Set(scene.masks.map(({ granularity }) => granularity))].sort((a, b) => a - b);
    };
    expect(await levelsOf({ granularity: 0.5 })).toEqual([0.5]);
    expect(await levelsOf({ granularity: "fine" })).toEqual([0.2]);
    expect(await levelsOf({ granularity: [0.9, 0.5, 0.2] })).toEqual([0.2, 0.5, 0.9]);
    expect(await levelsOf({ granularity: [0.2, 0.8, 0.8] })).toEqual([0.2, 0.8]);
    expect(await levelsOf({ granularity: [0.2, 0.8], levels: 4 })).toEqual([0.2, 0.4, 0.6, 0.8]);
  });

  it("gives of a hierarchy the regions between two settings, and the same map there as all of them do", async () => {
    const all = await image.everything();
    const some = await image.everything({ granularity: [0.3, 0.6] });
    expect(some.masks.length).toBeLessThan(all.masks.length);
    for (const g of [0.3, 0.45, 0.6]) {
      const [a, b] = [all.at(g), some.at(g)];
      const same = new Map<number, number>();
      a.labels.forEach((label, i) => {
        if (!same.has(label)) same.set(label, b.labels[i]);
        else if (same.get(label) !== b.labels[i]) throw new Error(`region ${label} differs at ${g}`);
      });
      expect(new Set(same.values()).size).toBe(same.size);
    }
  });

  it.each([
    [{ granularity: 2 }, "E_BAD_PROMPT"],
    [{ granularity: "auto" }, "E_BAD_PROMPT"],
    [{ granularity: [] }, "E_BAD_PROMPT"],
    [{ granularity: [0.9, 0.1] }, "E_BAD_PROMPT"],
    [{ granularity: [0.1, Number.NaN, 1] }, "E_BAD_PROMPT"],
    [{ levels: 1 }, "E_BAD_OPTION"],
    [{ pointsPerSide: 0 }, "E_BAD_OPTION"],
    [{ pointsPerSide: 2.5 }, "E_BAD_OPTION"],
    [{ cropLayers: 9 }, "E_BAD_OPTION"],
    [{ cropLayers: 1 }, "E_BAD_OPTION"],
    [{ predictedIou: 1.5 }, "E_BAD_OPTION"],
    [{ stability: "high" }, "E_BAD_OPTION"],
    [{ minRegionArea: -1 }, "E_BAD_OPTION"],
    [{ prompting: "random" }, "E_BAD_OPTION"],
    [{ onProgress: 5 }, "E_BAD_OPTION"],
    [{ points: 5 }, "E_BAD_OPTION"],
  ])("refuses %j", async (options, code) => {
    expect(() => image.everything(options as never)).toThrow(expect.objectContaining({ code }));
  });

  it("looks into crops of a photo at hand, and says so where it is not", async () => {
    const scene = await noise.everything({
      ...ANYTHING,
      granularity: 0.4,
      cropLayers: 1,
      pointsPerSide: 3,
      prompting: "grid",
    });
    expect(scene.masks.length).toBeGreaterThan(0);
    const { mkdtemp, rm } = await import("node:fs/promises");
    const folder = await mkdtemp("/tmp/unsam-everything-");
    try {
      await noise.save(`${folder}/noise`);
      const loaded = await Encoded.load(network, `${folder}/noise`);
      expect(() => loaded.everything({ cropLayers: 1 })).toThrow(
        expect.objectContaining({ code: "E_BAD_OPTION" }),
      );
      expect((await loaded.everything({ ...ANYTHING, pointsPerSide: 4 })).masks.length).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true });
    }
    await expect(async () => noise.everything({ prompting: "regions" })).rejects.toMatchObject({
      code: "E_UNSUPPORTED",
    });
  });

  it("gives the official generator's list", async () => {
    const masks = await noise.generateMasks({
      granularity: 0.6,
      pointsPerSide: 6,
      predictedIou: 0.3,
      stability: 0.3,
      boxIoU: 1,
    });
    expect(masks.length).toBeGreaterThan(3);
    for (const [i, { score, stability, point, cropBox, mask, area }] of masks.entries()) {
      expect(score).toBeGreaterThan(0.3);
      expect(stability).toBeGreaterThanOrEqual(0.3);
      if (i > 0) expect(score).toBeLessThanOrEqual(masks[i - 1].score);
      const column = (point[0] / noise.width) * 6 - 0.5;
      expect(Math.abs(column - Math.round(column))).toBeLessThan(1e-5);
      expect(cropBox).toEqual({ x: 0, y: 0, width: noise.width, height: noise.height });
      expect(mask.area).toBe(area);
    }
    await expect(noise.generateMasks({ granularity: "auto" as never })).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    await expect(noise.generateMasks({ pointsPerSide: -1 })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });
});

describe("everything, with the addon and without", () => {
  it("is the same to the bit", { timeout: 120_000 }, async () => {
    const script = `
      import { createHash } from "node:crypto";
      import { UnSAM } from "@unsam/sdk";
      const unsam = await UnSAM.load({ model: "region-tree" });
      const image = await unsam.encode(${JSON.stringify(photo)});
      const hash = createHash("sha256");
      for (const options of [{}, { prompting: "adaptive", pointsPerSide: 16 }, { prompting: "grid", pointsPerSide: 8 }]) {
        const scene = await image.everything(options);
        for (const { mask, score, stability, granularity, range } of scene.masks) {
          hash.update(mask.words).update(JSON.stringify([score, stability, granularity, range]));
        }
        hash.update(scene.at(0.4).labels).update(scene.contours.right).update(scene.contours.below);
      }
      console.log(hash.digest("hex"));
      await unsam.dispose();`;
    const hashes = await Promise.all(
      ["", "off"].map(async (native) => {
        const { stdout } = await promisify(execFile)(
          process.execPath,
          ["--input-type=module", "--eval", script],
          { cwd: inRepository("packages", "sdk"), env: { ...process.env, UNSAM_NATIVE: native } },
        );
        return stdout.trim();
      }),
    );
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
  });
});

describe("memory of everything", () => {
  it("stays within 1 GB for 1024 clicks × 5 settings on 12 megapixels", { timeout: 300_000 }, async () => {
    const bench = inRepository("packages", "sdk", "bench", "everything-memory.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [bench, "region-tree", "grid"]);
    const report = JSON.parse(stdout);
    expect(report.masks).toBeGreaterThan(300);
    expect(report.peakRssMB).toBeLessThan(1024);
  });
});
