import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { EncodedImage, type GranularityLadder, type PromptInput, type Segment, UnSAM } from "@unsam/sdk";
import { describeWithShared, inRepository, parityFixture, relativeError, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const photo = inRepository("docs", "images", "dragonfruit.jpg");
const click = { points: [[211, 144]] as const };

/** Everything a segment says, to the last bit. */
function bits({ mask, logits, score, objectScore, stability, granularity }: Segment) {
  const { width, height, words } = mask;
  return {
    ...{ width, height, words: digest(words), logits: digest(logits.data), shape: logits.shape },
    ...{ score, objectScore, stability, granularity },
  };
}

/** Compared instead of the array: the test runner takes a second for each of those. */
function digest({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): string {
  return createHash("sha1")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
}

/** A ladder holds what one call for each level gives, to the last bit. */
async function expectSeparateCalls(image: EncodedImage, prompt: PromptInput, levels: number | number[]) {
  const ladder = await image.ladder(prompt, { levels });
  for (const segment of ladder) {
    const alone = await image.segment({ ...prompt, granularity: segment.granularity });
    expect(bits(segment)).toEqual(bits(alone));
  }
  return ladder;
}

/** Distinct scales cover all levels in order; within one masks are alike, next to each other they are not. */
function expectDistinct(ladder: GranularityLadder): void {
  const { distinct } = ladder;
  expect(distinct.flatMap(({ levels }) => levels)).toEqual(ladder.levels);
  distinct.forEach(({ segment, range, levels }, k) => {
    expect(range).toEqual([levels[0], levels.at(-1)]);
    for (const level of levels) expect(ladder.at(level).mask.iou(segment.mask)).toBeGreaterThanOrEqual(0.95);
    if (k > 0) expect(segment.mask.iou(distinct[k - 1].segment.mask)).toBeLessThan(0.95);
  });
}

/** Steps to the end; each is another scale further on, and what its own setting answers. */
async function expectSteps(image: EncodedImage, from: Segment, prompt: PromptInput): Promise<number> {
  let steps = 0;
  for (const direction of ["finer", "coarser"] as const) {
    let here = from;
    for (let next = await here[direction](); next; next = await here[direction](), steps++) {
      expect(next.mask.iou(here.mask)).toBeLessThan(0.95);
      if (here.granularity !== null) {
        const [low, high] = direction === "finer" ? [next, here] : [here, next];
        expect(low.granularity!).toBeLessThan(high.granularity!);
      }
      const same = await image.segment({ ...prompt, granularity: next.granularity });
      expect(bits(next)).toEqual(bits(same));
      here = next;
    }
  }
  return steps;
}

describe("a ladder on the region tree", () => {
  let unsam: UnSAM;
  let image: EncodedImage;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "unsam-ladder-"));
    unsam = await UnSAM.load({ model: "region-tree" });
    image = await unsam.encode(photo);
  });
  afterAll(async () => {
    await unsam.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it("is what separate calls give, bit for bit, for every kind of prompt", async () => {
    const region = await image.segment({ ...click, granularity: 0.5 });
    const prompts: PromptInput[] = [
      click,
      { points: [...click.points, [320, 144, "background"]] },
      { points: [[320, 144, "background"]] },
      {
        points: [
          [211, 144],
          [212, 145, 0],
        ],
      },
      { box: [130, 60, 280, 220] },
      { box: [130, 60, 280, 220], points: click.points },
      { mask: region },
      { mask: region.mask, points: click.points },
    ];
    for (const prompt of prompts) expectDistinct(await expectSeparateCalls(image, prompt, 7));
    await expectSeparateCalls(image, click, [0, 0.33, 0.05, 0.9]);
  });

  it("is asked of the engine in one call", async () => {
    const calls: number[] = [];
    const encoded = await unsam.engine.encode(
      { width: 40, height: 30, data: new Uint8Array(3600).fill(90) },
      {},
    );
    const watched = new EncodedImage(
      unsam,
      {
        width: encoded.width,
        height: encoded.height,
        bytes: encoded.bytes,
        segment: (prompts, options) => {
          calls.push(prompts.length);
          return encoded.segment(prompts, options);
        },
        propose: (...all) => encoded.propose(...all),
        save: () => encoded.save(),
        dispose: () => encoded.dispose(),
      },
      null,
    );
    const ladder = await watched.ladder({ points: [[20, 15]] }, { levels: 12 });
    expect(calls).toEqual([12]);
    // All steps are one call too, whoever takes them first.
    await Promise.all([ladder.at(0.5).finer(), ladder.at(0.5).coarser(), ladder.at(0.9).finer()]);
    expect(calls).toEqual([12, 19]);
    await watched.dispose();
  });

  it("spaces levels evenly over [0.1, 1], or takes a list in any order", async () => {
    expect((await image.ladder(click)).levels).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect((await image.ladder(click, { levels: 1 })).levels).toEqual([1]);
    expect((await image.ladder(click, { levels: 4 })).levels).toEqual([0.1, 0.4, 0.7, 1]);
    const named = await image.ladder(click, { levels: ["coarse", 0.3, 0, 0.3, "fine"] });
    expect(named.levels).toEqual([0, 0.2, 0.3, 1]);
    expect(named).toHaveLength(4);
    expect([...named].map(({ granularity }) => granularity)).toEqual(named.levels);
  });

  it("finds the nearest level", async () => {
    const ladder = await image.ladder(click, { levels: 4 });
    expect(ladder.at(0.4).granularity).toBe(0.4);
    expect(ladder.at(0).granularity).toBe(0.1);
    expect(ladder.at("medium").granularity).toBe(0.4);
    expect(ladder.at(0.56).granularity).toBe(0.7);
    expect(() => ladder.at(1.2)).toThrow(/1\.2/);
    expect(() => ladder.at("auto" as "fine")).toThrow(/auto/);
  });

  it("nests by itself, and names its most persistent scale", async () => {
    const ladder = await image.ladder(click, { levels: 19 });
    expect(ladder.nested).toEqual({ holds: true, worst: 0, violations: [] });
    expect(ladder.segments).toContain(ladder.stable);
    const enforced = await image.ladder(click, { levels: 19, nested: true });
    for (const [i, segment] of enforced.segments.entries()) {
      expect(bits(segment)).toEqual(bits(ladder.segments[i]));
    }
  });

  it.each([0, -1, 2.5, Number.NaN, 300, [], [2], ["tiny"], ["auto"], [null], "ten", null])(
    "refuses levels %j",
    async (levels) => {
      const asked = image.ladder(click, { levels: levels as number });
      await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/E_BAD_(OPTION|PROMPT)/) });
    },
  );

  it("refuses a prompt that is none, and stops at an abort signal", async () => {
    await expect(image.ladder({})).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    await expect(image.ladder(null as unknown as PromptInput)).rejects.toMatchObject({
      code: "E_BAD_PROMPT",
    });
    const reason = new Error("enough");
    await expect(image.ladder(click, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const running = image.ladder(click, { levels: 200, signal: abort.signal });
    abort.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it("steps to the next different scale, whatever the granularity was", async () => {
    for (const granularity of [0, 0.2, 0.55, "medium", "auto", null, undefined] as const) {
      const segment = await image.segment({ ...click, granularity });
      expect(await expectSteps(image, segment, click)).toBeGreaterThan(1);
    }
    const coarse = await image.segment({ ...click, granularity: 1 });
    expect(await coarse.coarser()).toBeNull();
    const fine = await image.segment({ ...click, granularity: 0 });
    expect(await fine.finer()).toBeNull();
  });

  it("steps with the whole prompt and the options it came with", async () => {
    const prompt: PromptInput = {
      points: [
        [211, 144],
        [320, 144, "background"],
      ],
    };
    const options = { maxHoleArea: 40, maxSprinkleArea: 40 };
    const coarser = await (await image.segment({ ...prompt, granularity: 0.1 }, options)).coarser();
    const same = await image.segment({ ...prompt, granularity: coarser!.granularity }, options);
    expect(bits(coarser!)).toEqual(bits(same));
    expect(coarser!.mask.has(320, 144)).toBe(false);
  });

  it("has nowhere to step where the granularity is not looked at", async () => {
    const boxed = await image.segment({ box: [130, 60, 280, 220] });
    expect([await boxed.finer(), await boxed.coarser()]).toEqual([null, null]);
  });

  it("offers the runners-up of auto, each different and each able to step", async () => {
    const auto = await image.segment({ ...click, granularity: "auto" });
    expect(auto.alternatives.length).toBeGreaterThan(0);
    const all = [auto, ...auto.alternatives];
    for (const [i, a] of all.entries()) {
      for (const b of all.slice(0, i)) expect(a.mask.iou(b.mask)).toBeLessThan(0.95);
      expect(bits(await image.segment({ ...click, granularity: a.granularity }))).toEqual(bits(a));
    }
    await expectSteps(image, auto.alternatives[0], click);
    expect((await image.segment({ ...click, granularity: 0.5 })).alternatives).toEqual([]);
  });

  it("stops stepping at an abort signal without harm to others", async () => {
    const reason = new Error("enough");
    const segment = await image.segment({ ...click, granularity: 0.2 });
    const abort = new AbortController();
    const [given, kept] = [segment.coarser({ signal: abort.signal }), segment.coarser()];
    abort.abort(reason);
    await expect(given).rejects.toBe(reason);
    expect((await kept)!.granularity).toBeGreaterThan(0.2);
    const other = await image.segment({ ...click, granularity: 0.2 });
    const alone = new AbortController();
    const stopped = other.coarser({ signal: alone.signal });
    alone.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    expect((await other.coarser())!.granularity).toBe((await kept)!.granularity);
  });

  it("is kept when the image is disposed, but steps no more", async () => {
    const own = await unsam.encode(photo);
    const ladder = await own.ladder(click);
    const stepped = await ladder.at(0.5).coarser();
    await own.dispose();
    expect(ladder.at(0.5).mask.area).toBeGreaterThan(0);
    expect((await ladder.toSheet()).length).toBeGreaterThan(1000);
    for (const segment of [ladder.at(0.5), stepped!]) {
      await expect(segment.finer()).rejects.toMatchObject({ code: "E_DISPOSED" });
    }
    await expect(own.ladder(click)).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  it("draws a sheet with a tile for each scale", async () => {
    const ladder = await image.ladder(click, { levels: 10 });
    const { width, height, format } = await sharp(await ladder.toSheet({ tile: 200, columns: 2 })).metadata();
    const rows = Math.ceil(ladder.distinct.length / 2);
    const tile = Math.round((200 * 300) / 512);
    expect([width, height, format]).toEqual([
      48 + 2 * 200 + 20,
      48 + rows * (tile + 46) + (rows - 1) * 20,
      "png",
    ]);
    for (const options of [{ tile: 3 }, { columns: 0 }, { tile: 100.5 }]) {
      await expect(ladder.toSheet(options)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    }
  });

  it("draws a sheet of a saved encoding with the photo given", async () => {
    const file = path.join(folder, "saved.safetensors");
    await image.save(file);
    await using loaded = await EncodedImage.load(unsam, file);
    const ladder = await loaded.ladder(click, { levels: 3 });
    await expect(ladder.toSheet()).rejects.toMatchObject({ code: "E_BAD_IMAGE" });
    expect(
      (await ladder.toSheet({ image: photo })).equals(
        await (await image.ladder(click, { levels: 3 })).toSheet(),
      ),
    ).toBe(true);
  });
});

describeWithShared("a ladder on the mini UnSAMv2 model", () => {
  const reference = parityFixture("unsamv2-mini");
  const native = process.env.UNSAM_REQUIRE_NATIVE ? ["native"] : ["auto"];

  describe.each(["onnx", ...native] as ("onnx" | "auto" | "native")[])("decoder %s", (decoder) => {
    let unsam: UnSAM;
    const images: EncodedImage[] = [];

    beforeAll(async () => {
      const model = { checkpoint: reference.path("checkpoint.pt"), config: reference.path("config.json") };
      unsam = await UnSAM.load({ model, decoder });
      for (const { file } of reference.images) images.push(await unsam.encode(reference.path(file)));
    });
    afterAll(() => unsam?.dispose());

    it("is what separate calls give, bit for bit", async () => {
      for (const image of images) {
        const earlier = await image.segment({ points: [[60, 50]], granularity: 0.4 });
        const prompts: PromptInput[] = [
          { points: [[60, 50]] },
          {
            points: [
              [60, 50],
              [20, 30, "background"],
              [70, 41],
            ],
          },
          { box: [20, 20, 90, 80] },
          { box: [20, 20, 90, 80], points: [[50, 50]] },
          { mask: earlier },
          { mask: earlier.mask, points: [[60, 50]] },
        ];
        for (const prompt of prompts) {
          for (const levels of [2, 10]) expectDistinct(await expectSeparateCalls(image, prompt, levels));
        }
      }
    });

    it("calls its most persistent scale what auto chooses, with the same runners-up however asked", async () => {
      for (const image of images) {
        const prompt: PromptInput = { points: [[60, 50]] };
        const auto = await image.segment({ ...prompt, granularity: "auto" });
        const ladder = await image.ladder(prompt, { levels: 10 });
        expect(bits(ladder.stable)).toEqual(bits(auto));
        for (const other of auto.alternatives)
          expect(bits(ladder.at(other.granularity!))).toEqual(bits(other));
        expect(new Set(auto.alternatives).size).toBe(auto.alternatives.length);
      }
    });

    it("tells where masks are not nested, and nests them on request", async () => {
      const prompt: PromptInput = { points: [[60, 50]] };
      const ladder = await images[0].ladder(prompt, { levels: 10 });
      const { holds, worst, violations } = ladder.nested;
      expect(holds).toBe(false);
      for (const { finer, coarser, pixels, share } of violations) {
        const [inner, outer] = [ladder.at(finer).mask, ladder.at(coarser).mask];
        const [a, b] = [inner.toBytes(), outer.toBytes()];
        expect(pixels).toBe(a.reduce((sum, bit, i) => sum + (bit && !b[i] ? 1 : 0), 0));
        expect(share).toBeCloseTo(pixels / inner.area, 12);
      }
      expect(worst).toBe(Math.max(...violations.map(({ share }) => share)));
      const nested = await images[0].ladder(prompt, { levels: 10, nested: true });
      expect(nested.nested).toEqual({ holds: true, worst: 0, violations: [] });
      nested.segments.forEach((segment, i) => {
        if (i > 0) expect(segment.mask.contains(nested.segments[i - 1].mask)).toBe(true);
        expect({ ...bits(segment), words: "" }).toEqual({ ...bits(ladder.segments[i]), words: "" });
      });
      expectDistinct(nested);
    });

    it("steps to the next different scale, whatever the granularity was", async () => {
      const prompt: PromptInput = { points: [[60, 50]] };
      for (const granularity of [0.1, 0.5, "auto", null, undefined] as const) {
        const segment = await images[1].segment({ ...prompt, granularity });
        expect(await expectSteps(images[1], segment, prompt)).toBeGreaterThan(1);
      }
    });
  });

  it("says the same with both decoders", async ({ skip }) => {
    const model = { checkpoint: reference.path("checkpoint.pt"), config: reference.path("config.json") };
    await using native = await UnSAM.load({ model, decoder: "auto" });
    if (native.model.decoder !== "native") skip("there is no addon here");
    await using onnx = await UnSAM.load({ model, decoder: "onnx" });
    const prompt: PromptInput = { points: [[60, 50]] };
    const [a, b] = await Promise.all(
      [native, onnx].map(async (unsam) => {
        const image = await unsam.encode(reference.path(reference.images[0].file));
        return image.ladder(prompt, { levels: 10 });
      }),
    );
    for (const [i, segment] of a.segments.entries()) {
      expect(relativeError(segment.logits.data, b.segments[i].logits.data)).toBeLessThan(1e-4);
      expect(segment.mask.iou(b.segments[i].mask)).toBeGreaterThan(0.999);
    }
    expect(a.distinct.map(({ range }) => range)).toEqual(b.distinct.map(({ range }) => range));
    expect(a.stable.granularity).toBe(b.stable.granularity);
  });

  it("does not exist on plain SAM 2", async () => {
    const checkpoint = shared("parity", "sam21-mini", "checkpoint.safetensors");
    await using unsam = await UnSAM.load({
      model: { checkpoint, config: parityFixture("sam21-mini").path("config.json") },
    });
    const image = await unsam.encode(reference.path(reference.images[0].file));
    await expect(image.ladder({ points: [[60, 50]] })).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    const segment = await image.segment({ points: [[60, 50]] });
    await expect(segment.finer()).rejects.toMatchObject({ code: "E_UNSUPPORTED" });
    await expect(segment.coarser()).rejects.toMatchObject({ code: "E_UNSUPPORTED" });
  });
});
