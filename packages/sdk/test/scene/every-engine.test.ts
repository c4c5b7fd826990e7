import { loadNative } from "@unsam/native-cuda";
import { type EncodedImage, type LoadOptions, type SceneHierarchy, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANYTHING, photo, smallNetwork } from "./scenes.js";

// Everything in a photo, on each engine and with each way of prompting. The photo has 480,000 pixels, so that results are
// large; each must also be free to move to another thread.

const native = await loadNative({ cacheDir: null });
if (native.binding === null && process.env.UNSAM_REQUIRE_NATIVE) throw new Error(native.reason);

type Prompting = "regions" | "grid" | "adaptive";
const ALL: readonly Prompting[] = ["regions", "grid", "adaptive"];

interface Engine {
  readonly name: string;
  readonly load: LoadOptions;
  readonly promptings: readonly Prompting[];
}

const network = (decoder: "onnx" | "native"): Engine => ({
  name: `a network, ${decoder}`,
  load: { model: smallNetwork, decoder },
  promptings: ["grid", "adaptive"],
});

const ENGINES: readonly Engine[] = [
  { name: "the region tree", load: { model: "region-tree" }, promptings: ALL },
  { name: "nano", load: { model: "nano" }, promptings: ALL },
  network("onnx"),
  ...(native.binding ? [network("native")] : []),
];

/** All of a scene that is a buffer. */
async function buffersOf(scene: SceneHierarchy): Promise<Record<string, ArrayBuffer>> {
  const { contours } = scene;
  const views = {
    words: scene.masks[0].mask.words,
    labels: scene.at(0.5).labels,
    right: contours.right,
    below: contours.below,
    separated: contours.at(0.5).right,
    overlay: await scene.overlay(),
    overlays: await scene.overlay({ granularity: [0.2, 0.8] }),
    labelsPNG: await scene.at(0.5).toPNG(),
    contoursPNG: await contours.toPNG(),
    maskPNG: await scene.masks[0].mask.toPNG(),
  };
  return Object.fromEntries(Object.entries(views).map(([name, { buffer }]) => [name, buffer as ArrayBuffer]));
}

function expectMovable(buffers: Record<string, ArrayBuffer>): void {
  for (const [name, buffer] of Object.entries(buffers)) {
    const length = buffer.byteLength;
    expect(length, name).toBeGreaterThan(0);
    expect(structuredClone(buffer, { transfer: [buffer] }).byteLength, name).toBe(length);
    expect(buffer.byteLength, name).toBe(0);
  }
}

describe.each(ENGINES)("everything with $name", ({ load, promptings }) => {
  let unsam: UnSAM;
  let image: EncodedImage;
  beforeAll(async () => {
    unsam = await UnSAM.load(load);
    image = await unsam.encode(photo);
  }, 120_000);
  afterAll(() => unsam.dispose());

  it.each(promptings)("prompting: %s", { timeout: 120_000 }, async (prompting) => {
    // The network is random: its masks are much alike, and pass no sensible threshold.
    const thresholds = promptings === ALL ? {} : ANYTHING;
    const clicks = prompting === "regions" ? {} : { pointsPerSide: 6 };
    const scene = await image.everything({ ...thresholds, ...clicks, granularity: [0.2, 0.9], prompting });
    expect(scene.masks.length).toBeGreaterThan(0);
    const { labels } = scene.at(0.9);
    expect(labels.length).toBe(image.width * image.height);
    for (const owner of scene.at(0.9).owners) {
      const pixel = labels.indexOf(owner.id + 1);
      expect(owner.mask.has(pixel % image.width, Math.floor(pixel / image.width))).toBe(true);
    }
    expectMovable(await buffersOf(scene));
  });

  it("the official generator, one click, and a ladder", { timeout: 120_000 }, async () => {
    const masks = await image.generateMasks({
      granularity: 0.5,
      pointsPerSide: 4,
      predictedIou: 0,
      stability: 0,
    });
    expect(masks.length).toBeGreaterThan(0);
    const prompt = { points: [[image.width / 2, image.height / 2]] } as const;
    const segment = await image.segment({ ...prompt, granularity: 0.5 });
    const ladder = await image.ladder(prompt, { levels: 5 });
    expectMovable({
      generated: masks[0].mask.words.buffer as ArrayBuffer,
      words: segment.mask.words.buffer as ArrayBuffer,
      logits: segment.logits.data.buffer as ArrayBuffer,
      overlay: (await segment.overlay()).buffer as ArrayBuffer,
      sheet: (await ladder.toSheet()).buffer as ArrayBuffer,
      rungLogits: ladder.segments[0].logits.data.buffer as ArrayBuffer,
    });
    // What was moved away was the caller's alone.
    expect((await image.segment({ ...prompt, granularity: 0.5 })).mask.area).toBeGreaterThan(0);
  });
});
