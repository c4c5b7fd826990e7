import { describeWithShared, type ReferenceFile } from "@unsam/test-support";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { NetworkPrompt } from "#core/decoder/index.js";
import { type JoinedVideoNetwork, objectPointer } from "#core/video/index.js";
import { addon } from "../operations/addon.js";
import { largestDifference } from "../support/compare.js";
import { randomValues } from "../support/random.js";
import { VideoSet } from "../support/video-set.js";
import { noiseFrame } from "./noise-frame.js";
import { nativeVideoNetwork, onnxVideoNetwork } from "./video-networks.js";

const click = { coords: Float32Array.of(70, 30, 0, 0), labels: Int32Array.of(1, -1) };
const nothing = { coords: new Float32Array(4), labels: Int32Array.of(-1, -1) };
const mask = randomValues(64 * 64, 7).map((value) => 8 * value);

describeWithShared("the mask decoder of a video in the addon, beside ONNX Runtime", () => {
  const set = new VideoSet();
  const closing: (() => Promise<void>)[] = [];
  const kinds = { "sam2.1": [] as JoinedVideoNetwork[], unsamv2: [] as JoinedVideoNetwork[] };

  beforeAll(async () => {
    if (addon === null) return;
    for (const kind of ["sam2.1", "unsamv2"] as const) {
      const { model, close } = await set.open(kind);
      kinds[kind].push(await onnxVideoNetwork(model));
      for (const threads of [1, 2, 3]) kinds[kind].push(await nativeVideoNetwork(model, addon, threads));
      closing.push(...kinds[kind].map((one) => () => one.release()), close);
    }
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const prompts: Record<string, Omit<NetworkPrompt, "granularity">> = {
    "a click": { ...click, maskLogits: null },
    "a tracked frame": { ...nothing, maskLogits: null },
    "a correction": { ...click, maskLogits: mask },
  };
  it.skipIf(addon === null).each(Object.entries(prompts))(
    "says the same about %s, with the same bits for any number of threads",
    async (_, given) => {
      for (const kind of ["sam2.1", "unsamv2"] as const) {
        const prompt = { ...given, granularity: kind === "unsamv2" ? 0.4 : null };
        const embedding = randomValues(256 * 256, 4);
        const [onnx, ...natives] = kinds[kind];
        const expected = await onnx.decode(await noiseFrame(onnx), embedding, prompt);
        const found = await Promise.all(
          natives.map(async (one) => one.decode(await noiseFrame(one), embedding, prompt)),
        );
        expect(largestDifference(found[0].logits, expected.logits)).toBeLessThan(1e-3);
        expect(largestDifference(found[0].tokens, expected.tokens)).toBeLessThan(1e-4);
        expect(largestDifference(found[0].predictedIou, expected.predictedIou)).toBeLessThan(1e-5);
        expect(Math.abs(found[0].objectScore - expected.objectScore)).toBeLessThan(1e-4);
        for (const other of found.slice(1)) expect(other).toEqual(found[0]);
      }
    },
  );
});

describeWithShared("object pointers", () => {
  it("are those of the official code", async () => {
    const set = new VideoSet();
    const { model, close } = await set.open("sam2.1");
    const { pointer } = await model.video!().tensors();
    await close();
    const { cases } = set.json<{
      cases: readonly { id: string; steps: readonly { expected: Expected }[] }[];
    }>("cases.json");
    const { object_pointers, trace } = cases.find(({ id }) => id === "click")!.steps[1].expected;
    const token = trace.find(({ frame }) => frame === 1)!.pointer_token;
    const tokens = set.stage("f1.decoder_mask_tokens").data;
    const own = objectPointer(tokens.slice(256 * token, 256 * (token + 1)), pointer);
    const expected = set.array(object_pointers).data.subarray(256, 512);
    expect(largestDifference(own, expected)).toBeLessThan(1e-4);
  });
});

interface Expected {
  readonly object_pointers: ReferenceFile;
  readonly trace: readonly { readonly frame: number; readonly pointer_token: number }[];
}
