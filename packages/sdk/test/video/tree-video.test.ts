import { type ImageInput, Mask, UnSAM } from "@unsam/sdk";
import { pseudoRandom } from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, trackAll } from "./video-fixture.js";

const WIDTH = 128;
const HEIGHT = 96;

/** Speckles that stay where they are, of about 3 pixels; the same for the same place, 0 … 1. */
function speckle(x: number, y: number, seed: number): number {
  const at = (u: number, v: number) => {
    const mixed = Math.imul(
      Math.imul(u + 4096, 0x9e3779b1) ^ Math.imul(v + 4096 + seed, 0x85ebca6b),
      0xc2b2ae35,
    );
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const [u, v] = [x / 3, y / 3];
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const [fx, fy] = [u - left, v - top];
  const upper = at(left, top) * (1 - fx) + at(left + 1, top) * fx;
  const lower = at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx;
  return upper * (1 - fy) + lower * fy;
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: readonly [number, number, number];
}

const RED: Disc["colour"] = [200, 60, 50];
const BLUE: Disc["colour"] = [50, 90, 210];

/** Speckled discs over a speckled ground; `bar`: columns that something grey hides. */
function drawn(discs: readonly Disc[], bar: readonly [number, number] | null = null): ImageInput {
  const data = new Uint8Array(3 * WIDTH * HEIGHT);
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, i += 3) {
      const disc = discs.findLast((one) => Math.hypot(x - one.x, y - one.y) < one.radius);
      const isHidden = bar !== null && x >= bar[0] && x < bar[1];
      const base = isHidden ? [120, 120, 120] : (disc?.colour ?? [90, 150, 80]);
      const grain = isHidden
        ? speckle(x, y, 7)
        : disc
          ? speckle(x - disc.x, y - disc.y, 3)
          : speckle(x, y, 1);
      for (let c = 0; c < 3; c++) data[i + c] = Math.min(255, base[c] + 70 * (grain - 0.5));
    }
  }
  return { data, width: WIDTH, height: HEIGHT, channels: 3 };
}

function discMask({ x, y, radius }: Disc): Mask {
  const bytes = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    Math.hypot((i % WIDTH) - x, Math.floor(i / WIDTH) - y) < radius ? 1 : 0,
  );
  return Mask.fromBytes(WIDTH, HEIGHT, bytes);
}

const redAt = (t: number): Disc => ({ x: 28 + 4 * t, y: 40 + t, radius: 14 + 0.3 * t, colour: RED });
const blueAt = (t: number): Disc => ({ x: 100 - 2 * t, y: 74, radius: 10, colour: BLUE });
const FRAMES = Array.from({ length: 8 }, (_, t) => drawn([redAt(t), blueAt(t)]));

/** FNV-1a over the words of a mask. */
function hashOf({ words }: Mask): bigint {
  return words.reduce(
    (hash, word) => ((hash ^ BigInt(word)) * 0x100000001b3n) & 0xffffffffffffffffn,
    0xcbf29ce484222325n,
  );
}

describe("a video with the region tree", () => {
  let unsam: UnSAM;
  beforeAll(async () => {
    unsam = await UnSAM.load({ model: "region-tree" });
  });
  afterAll(() => unsam.dispose());

  it("follows what is prompted with a mask, a click or a box, both ways", async () => {
    await using video = await unsam.openVideo(FRAMES);
    const red = video.object();
    const blue = video.object({ granularity: 0.5 });
    const boxed = video.object();
    const given = await red.prompt(0, { mask: discMask(redAt(0)) });
    expect(given.mask.equals(discMask(redAt(0)))).toBe(true);
    await blue.prompt(3, { points: [[blueAt(3).x, blueAt(3).y]] });
    await boxed.prompt(3, { box: [redAt(3).x - 15, redAt(3).y - 15, redAt(3).x + 16, redAt(3).y + 16] });
    const there = await trackAll(video);
    expect(there.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { frame, objects } of there) {
      const answer = objects.get(red)!;
      expect(answer.mask.iou(discMask(redAt(frame))), `frame ${frame}`).toBeGreaterThan(0.9);
      expect(answer).toMatchObject({ isPresent: true });
      if (frame > 3) {
        expect(objects.get(blue)!.mask.iou(discMask(blueAt(frame)))).toBeGreaterThan(0.8);
        expect(objects.get(boxed)!.mask.iou(discMask(redAt(frame)))).toBeGreaterThan(0.8);
      }
    }
    const back = await trackAll(video, { from: 3, direction: "backward" });
    expect(back.map(({ frame }) => frame)).toEqual([3, 2, 1, 0]);
    expect(back[3].objects.get(blue)!.mask.iou(discMask(blueAt(0)))).toBeGreaterThan(0.8);
  });

  it("says that something is hidden, and finds it again", async () => {
    const hiding = Array.from({ length: 8 }, (_, t) => drawn([redAt(t)], t >= 3 && t <= 4 ? [10, 90] : null));
    await using video = await unsam.openVideo(hiding);
    const red = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    const answers = (await trackAll(video)).map(({ objects }) => objects.get(red)!);
    expect(answers.map(({ isPresent }) => isPresent)).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(answers[3].mask.area).toBe(0);
    expect(answers[3].objectScore).toBeLessThan(0);
    expect(answers[7].mask.iou(discMask(redAt(7)))).toBeGreaterThan(0.85);
  });

  it("keeps corrections, and leaves the others' bits as they are when an object goes", async () => {
    await using video = await unsam.openVideo(FRAMES);
    const red = video.object({ granularity: 0.4 });
    const blue = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    await blue.prompt(0, { mask: discMask(blueAt(0)) });
    const before = await trackAll(video);
    const { x, y } = blueAt(4);
    const more = await red.prompt(4, { points: [[x, y]] });
    expect(more.mask.area).toBeGreaterThan(before[4].objects.get(red)!.mask.area + 150);
    const less = await red.prompt(4, { points: [[x, y, "background"]] });
    expect(less.mask.iou(before[4].objects.get(red)!.mask)).toBeGreaterThan(0.95);
    await red.prompt(4, { points: [[x, y]] });
    const after = await trackAll(video);
    expect(after[4].objects.get(red)!.mask.equals(more.mask)).toBe(true);
    expect(after[5].objects.get(red)!.mask.area).toBeGreaterThan(before[5].objects.get(red)!.mask.area + 100);
    await red.clear(4);
    expect((await trackAll(video))[4].objects.get(red)!.mask.equals(before[4].objects.get(red)!.mask)).toBe(
      true,
    );
    await red.remove();
    for (const [t, { objects }] of (await trackAll(video)).entries()) {
      expect(objects.size).toBe(1);
      expect(objects.get(blue)!.mask.equals(before[t].objects.get(blue)!.mask)).toBe(true);
    }
    await video.reset();
    expect(await codeOf(trackAll(video))).toBe("E_BAD_PROMPT");
  });

  it("takes another granularity on the way, and gives no pixel to two objects where that is asked", async () => {
    await using video = await unsam.openVideo(FRAMES, { nonOverlapping: true });
    const red = video.object({ granularity: 0.5 });
    const same = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    await same.prompt(0, { mask: discMask(redAt(0)) });
    for await (const { frame, objects } of video.track({ to: 3 })) {
      const [one, other] = [objects.get(red)!.mask, objects.get(same)!.mask];
      expect(one.words.every((word, i) => (word & other.words[i]) === 0)).toBe(true);
      if (frame === 2) red.granularity = 0;
      if (frame === 3) expect(one.area + other.area).toBeGreaterThan(400);
      if (frame === 3) expect(one.area).toBeLessThan(300);
    }
  });

  it("answers a stream, gives up when told, and forgets nothing by that", async () => {
    const stop = new AbortController();
    await using video = await unsam.openVideo(
      (async function* () {
        yield* FRAMES;
      })(),
    );
    const red = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    await expect(
      (async () => {
        for await (const { frame } of video.track({ signal: stop.signal })) {
          if (frame === 2) stop.abort(new Error("enough"));
        }
      })(),
    ).rejects.toThrow("enough");
    const rest = await trackAll(video, { from: 3 });
    expect(rest.map(({ frame }) => frame)).toEqual([3, 4, 5, 6, 7]);
    expect(rest[4].objects.get(red)!.mask.iou(discMask(redAt(7)))).toBeGreaterThan(0.85);
    await video.dispose();
    expect(await codeOf(trackAll(video))).toBe("E_DISPOSED");
  });

  it("gives the same masks with a look ahead, and without one", async () => {
    const given: bigint[][] = [];
    // What a stream gives is read when it is asked for.
    for (const frames of [
      FRAMES,
      (async function* () {
        yield* FRAMES;
      })(),
    ]) {
      await using video = await unsam.openVideo(frames);
      const red = video.object();
      await red.prompt(0, { mask: discMask(redAt(0)) });
      given.push((await trackAll(video)).map(({ objects }) => hashOf(objects.get(red)!.mask)));
    }
    expect(given[0]).toEqual(given[1]);
    expect(new Set(given[0]).size).toBe(FRAMES.length);
  });

  it("gives what came before a frame that is broken, and says which one is when its turn comes", async () => {
    const broken = [...FRAMES.slice(0, 3), Buffer.from("no picture"), ...FRAMES.slice(4)];
    await using video = await unsam.openVideo(broken);
    const red = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    const seen: number[] = [];
    const run = async () => {
      for await (const { frame } of video.track()) seen.push(frame);
    };
    expect(await codeOf(run())).toBe("E_BAD_IMAGE");
    expect(seen).toEqual([0, 1, 2]);
    expect(await trackAll(video, { to: 2 })).toHaveLength(3);
  });

  it("goes on as if nothing had been after each of a hundred aborts, and ends where it is disposed", async () => {
    const random = pseudoRandom(16);
    await using video = await unsam.openVideo(FRAMES);
    const red = video.object();
    await red.prompt(0, { mask: discMask(redAt(0)) });
    const hashes = async () => (await trackAll(video)).map(({ objects }) => hashOf(objects.get(red)!.mask));
    const expected = await hashes();
    for (let round = 0; round < 100; round++) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(new Error("enough")), 12 * random());
      expect(["enough", "done"]).toContain(await codeOf(trackAll(video, { signal: abort.signal, to: 2 })));
      clearTimeout(timer);
    }
    expect(await hashes()).toEqual(expected);
    for (let round = 0; round < 20; round++) {
      const other = await unsam.openVideo(FRAMES);
      await other.object().prompt(0, { mask: discMask(redAt(0)) });
      const running = codeOf(trackAll(other));
      await new Promise((resolve) => setTimeout(resolve, 12 * random()));
      await other.dispose();
      expect(["E_DISPOSED", "done"]).toContain(await running);
    }
    expect(await hashes()).toEqual(expected);
  });

  it("does not mix two videos, and gives the same bits for any number of threads", async () => {
    const alone = new Map<string, bigint[]>();
    for (const threads of [1, 2, 3]) {
      const model = await UnSAM.load({ model: "region-tree", threads });
      await using there = await model.openVideo(FRAMES);
      await using back = await model.openVideo([...FRAMES].reverse());
      const [first, last] = [there.object(), back.object()];
      await first.prompt(0, { mask: discMask(redAt(0)) });
      await last.prompt(0, { mask: discMask(redAt(7)) });
      const answers = await Promise.all([trackAll(there), trackAll(back)]);
      for (const [name, object, frames] of [
        ["there", first, answers[0]],
        ["back", last, answers[1]],
      ] as const) {
        const found = frames.map(({ objects }) => hashOf(objects.get(object)!.mask));
        expect(found, `${name}, ${threads} threads`).toEqual(alone.get(name) ?? found);
        alone.set(name, found);
      }
      expect(answers[1][7].objects.get(last)!.mask.iou(discMask(redAt(0)))).toBeGreaterThan(0.85);
      await model.dispose();
    }
  });

  it("refuses what belongs to a memory of features", async () => {
    for (const options of [
      { keepCorrections: false },
      { memoryStride: 2 },
      { memoryPrecision: "float32" as const },
      { memory: "native" as const },
      { maxConditioningFrames: 4 },
      { spillFolder: "aside" },
    ]) {
      expect(await codeOf(unsam.openVideo(FRAMES, options))).toBe("E_UNSUPPORTED");
    }
    await using video = await unsam.openVideo(FRAMES);
    const wrong = { data: new Float32Array(64), shape: [8, 8] };
    expect(await codeOf(video.object().prompt(0, { mask: wrong }))).toBe("E_BAD_PROMPT");
  });
});
