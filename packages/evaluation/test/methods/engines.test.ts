import { tmpdir } from "node:os";
import { openModel } from "@unsam/core/families";
import { decodeImage, type RgbImage } from "@unsam/core/image";
import { buildRegionTree, chain } from "@unsam/core/region-tree";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { beforeAll, describe, expect, it } from "vitest";
import { engineMethod } from "#evaluation/methods/engine.js";
import { openMethod } from "#evaluation/methods/open-method.js";
import { labelsAt, nodeMasks, regionTreeMethod } from "#evaluation/methods/region-tree.js";
import { nesting } from "#evaluation/metrics/nesting.js";
import { dialLevels } from "#evaluation/run/evaluate.js";

const click = { x: 211, y: 144, label: 1 as const };
const LEVELS = dialLevels(3);
let photo: RgbImage;
beforeAll(async () => {
  photo = await decodeImage(inRepository("docs", "images", "dragonfruit.jpg"));
});

describe("the region tree as a method", () => {
  it("answers as the built-in engine does", async () => {
    const baseline = await regionTreeMethod(LEVELS).prepare(photo);
    const engine = engineMethod(await openModel("region-tree", { threads: 1, cacheDir: tmpdir() }), {
      name: "x",
      levels: LEVELS,
      withoutGranularity: false,
    });
    const encoded = await engine.prepare(photo);
    for (const clicks of [[click], [click, { x: 20, y: 20, label: 0 as const }]]) {
      const [mine, theirs] = [await baseline.offer(clicks), await encoded.offer(clicks)];
      expect(mine.ladder.length).toBe(LEVELS.length);
      for (const [k, { mask, granularity }] of mine.ladder.entries()) {
        expect(mask.equals(theirs.ladder[k].mask)).toBe(true);
        expect([granularity, theirs.ladder[k].granularity]).toEqual([LEVELS[k], LEVELS[k]]);
        const alone = await encoded.answer(clicks, LEVELS[k], null);
        expect(alone.mask.equals(mask)).toBe(true);
      }
      expect(mine.auto!.mask.equals(theirs.auto!.mask)).toBe(true);
      expect(mine.auto!.granularity).toBe(theirs.auto!.granularity);
      expect(nesting(mine.ladder.map(({ mask }) => mask)).outside).toBe(0);
    }
    await engine.dispose();
  });

  it("cuts the whole image into what a click would give, nested from threshold to threshold", () => {
    const tree = buildRegionTree(photo);
    let finer: Int32Array | null = null;
    for (const granularity of [0.1, 0.3, 0.5, 0.9]) {
      const labels = labelsAt(tree, granularity);
      for (const i of [0, 5000, 73_000, labels.length - 1]) {
        const step = chain(tree, tree.leafMap[i])
          .filter((step, k) => k === 0 || step.granularity <= granularity)
          .at(-1)!;
        const [mask] = nodeMasks(tree, [step.node]);
        expect(labels.reduce((count, label) => count + (label === labels[i] ? 1 : 0), 0)).toBe(mask.area);
        expect(mask.area).toBe(step.area);
        expect(mask.has(i % photo.width, Math.floor(i / photo.width))).toBe(true);
      }
      const parents = new Map<number, number>();
      let torn = 0;
      finer?.forEach((label, i) => {
        if ((parents.get(label) ?? labels[i]) !== labels[i]) torn++;
        parents.set(label, labels[i]);
      });
      expect(torn).toBe(0);
      finer = labels;
    }
  });

  it("proposes distinct nodes, best first", async () => {
    const whole = (await (await regionTreeMethod(LEVELS).prepare(photo)).wholeImage())!;
    const proposals = await whole.proposals(50);
    expect(proposals.length).toBe(50);
    expect(proposals.some((mask, k) => proposals.some((other, j) => j < k && other.equals(mask)))).toBe(
      false,
    );
    expect((await whole.proposals(10)).every((mask, k) => mask.equals(proposals[k]))).toBe(true);
  });
});

describe("an engine's whole image", () => {
  it("is what its generator finds: proposals, best first, and segmentations that nest", async () => {
    const spec = { kind: "model", model: "region-tree", config: null, withoutGranularity: false } as const;
    const method = await openMethod(spec, LEVELS);
    const whole = (await (await method.prepare(photo)).wholeImage())!;
    const proposals = await whole.proposals(30);
    expect(proposals.length).toBe(30);
    expect((await whole.proposals(7)).every((mask, k) => mask.equals(proposals[k]))).toBe(true);
    // As many tries as any other method has, though the hierarchy keeps fewer regions; none twice.
    const all = await whole.proposals(1000);
    expect(all).toHaveLength(1000);
    expect(all.slice(0, 30).every((mask, k) => mask.equals(proposals[k]))).toBe(true);
    const keys = all.map((mask) => JSON.stringify(mask.toRLE()));
    expect(new Set(keys).size).toBe(1000);
    const [fine, coarse] = [whole.labels(4), whole.labels(12)];
    const owners = new Map<number, number>();
    let torn = 0;
    fine.forEach((label, i) => {
      if ((owners.get(label) ?? coarse[i]) !== coarse[i]) torn++;
      owners.set(label, coarse[i]);
    });
    expect(torn).toBe(0);
    expect(new Set(fine).size).toBeGreaterThan(new Set(coarse).size);
    await method.dispose();
  });
});

describe("methods by name", () => {
  it("refuses what does not exist", async () => {
    await expect(openMethod({ kind: "baseline", name: "magic" as "otsu" }, LEVELS)).rejects.toThrow(
      /no baseline magic/,
    );
    const missing = { kind: "model", model: "nowhere.pt", config: null, withoutGranularity: false } as const;
    await expect(openMethod(missing, LEVELS)).rejects.toThrow(/nowhere\.pt/);
    for (const more of [{ weights: "ema" }, { config: "config.json" }]) {
      const spec = { ...missing, model: "nano", ...more };
      await expect(openMethod(spec, LEVELS)).rejects.toMatchObject({
        code: "E_BAD_OPTION",
        message: expect.stringMatching(/nano has a name; weights and config belong to a checkpoint/),
      });
    }
  });
});

describeWithShared("a checkpoint as a method", () => {
  const fixture = (name: string) => shared("parity", name);

  it("with granularity has a ladder, without it the masks of multimask", async () => {
    const spec = {
      kind: "model",
      model: `${fixture("unsamv2-mini")}/checkpoint.pt`,
      config: `${fixture("unsamv2-mini")}/config.json`,
      withoutGranularity: false,
    } as const;
    const image = await decodeImage(`${fixture("unsamv2-mini")}/img0.png`);
    const leveled = await openMethod(spec, LEVELS);
    const prepared = await leveled.prepare(image);
    const { ladder, auto } = await prepared.offer([{ x: 195, y: 148, label: 1 }]);
    expect(ladder.map(({ granularity }) => granularity)).toEqual(LEVELS);
    expect(auto!.granularity).toBeGreaterThan(0);
    const two = [
      { x: 195, y: 148, label: 1 as const },
      { x: 10, y: 10, label: 0 as const },
    ];
    const alone = await prepared.answer(two, 0.5, null);
    const refined = await prepared.answer(two, 0.5, ladder[1]);
    expect(refined.logits!.data).not.toEqual(alone.logits!.data);
    await leveled.dispose();

    const plain = await openMethod({ ...spec, withoutGranularity: true }, LEVELS);
    expect(plain.info.levels).toEqual([]);
    const offer = await (await plain.prepare(image)).offer([{ x: 195, y: 148, label: 1 }]);
    expect(offer.auto!.granularity).toBeNull();
    expect(offer.ladder.some(({ mask }) => mask.equals(offer.auto!.mask))).toBe(true);
    await plain.dispose();
  });

  it("asked as UnSAMv2's evaluation does takes what lies above a logit of -1, not 0", async () => {
    const folder = fixture("unsamv2-mini");
    const [model, config] = [`${folder}/checkpoint.pt`, `${folder}/config.json`];
    const spec = { kind: "model", model, config, withoutGranularity: false } as const;
    const image = await decodeImage(`${folder}/img0.png`);
    const point = [{ x: 195, y: 148, label: 1 as const }];
    const [own, like] = [await openMethod(spec, LEVELS), await openMethod(spec, LEVELS, "paper")];
    const usual = await (await own.prepare(image)).answer(point, 0.5, null);
    const prepared = await like.prepare(image);
    const answer = await prepared.answer(point, 0.5, null);
    expect([...answer.logits!.data]).toEqual([...usual.logits!.data]);
    // Bilinear, pixel centres, borders repeated: written a second time.
    const [rows, columns] = answer.logits!.shape;
    const at = (y: number, x: number) =>
      answer.logits!.data[
        Math.min(rows - 1, Math.max(0, y)) * columns + Math.min(columns - 1, Math.max(0, x))
      ];
    let [wrong, near] = [0, 0];
    for (let y = 0; y < image.height; y++) {
      for (let x = 0; x < image.width; x++) {
        const [v, u] = [((y + 0.5) * rows) / image.height - 0.5, ((x + 0.5) * columns) / image.width - 0.5];
        const [j, i] = [Math.floor(v), Math.floor(u)];
        const [b, a] = [v - j, u - i];
        const logit =
          (1 - b) * ((1 - a) * at(j, i) + a * at(j, i + 1)) +
          b * ((1 - a) * at(j + 1, i) + a * at(j + 1, i + 1));
        if (Math.abs(logit + 1) < 1e-4) near++;
        else if (answer.mask.has(x, y) !== logit > -1) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(near).toBeLessThan(20);
    expect(answer.mask.area).toBeGreaterThan(usual.mask.area);
    // Trees have no such logits: nothing changes.
    const tree = { ...spec, model: "region-tree", config: null };
    const [plain, asked] = [await openMethod(tree, LEVELS), await openMethod(tree, LEVELS, "paper")];
    const [one, other] = [await plain.prepare(photo), await asked.prepare(photo)];
    const [first, second] = [await one.answer([click], 0.5, null), await other.answer([click], 0.5, null)];
    expect(second.mask.equals(first.mask)).toBe(true);
    for (const method of [own, like, plain, asked]) await method.dispose();
  });
});
