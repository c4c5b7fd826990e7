import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecodedMasks, MaskDecoder, NetworkPrompt, PreparedImage } from "#core/decoder/index.js";
import type { FeatureName } from "#core/models/index.js";
import { MOST_POINTS } from "#core/prompt.js";
import { largestDifference, relativeError } from "../support/compare.js";
import { describeParityWithout, type ParitySet } from "../support/parity.js";

/** A decoder for the checkpoint of a parity set, and how to close what it stands on. */
export interface OpenedDecoder {
  readonly decoder: MaskDecoder;
  close(): Promise<void>;
}

/** What every mask decoder has to do. `open` is called once per parity set. */
export function maskDecoderSuite(title: string, open: (set: ParitySet) => Promise<OpenedDecoder>): void {
  // The tensors of the .safetensors file are those of the .pt file; reading them is tested where they are read.
  describeParityWithout(["UnSAMv2, .safetensors"], title, (openSet) => {
    let set: ParitySet;
    let opened: OpenedDecoder;
    let decoder: MaskDecoder;
    let image: PreparedImage;
    let imageSize: number;
    const single = { multimask: false };
    const multi = { multimask: true };
    const promptsOf = (id: string) => {
      const one = set.cases.find((one) => one.id === id) ?? set.cases[0];
      return set.networkPrompts(one, imageSize);
    };

    beforeAll(async () => {
      set = openSet();
      const { checkpoint, model } = await set.open();
      await checkpoint.close();
      imageSize = model.config.imageSize;
      opened = await open(set);
      decoder = opened.decoder;
      image = await decoder.prepare(set.features());
    });
    afterAll(() => opened?.close());

    it("gives the official code's logits, scores and tokens in every case", async () => {
      for (const one of set.cases) {
        const prompts = set.networkPrompts(one, imageSize);
        const answers = await decoder.decode(image, prompts, { multimask: one.multimask_output });
        const expected = set.array(one.expected.low_res_logits);
        expect(relativeError(together(answers, "lowRes"), expected.data), one.id).toBeLessThan(2e-5);
        const iou = set.array(one.expected.predicted_iou).data;
        expect(largestDifference(together(answers, "predictedIou"), iou), one.id).toBeLessThan(2e-5);
        const score = set.array(one.expected.object_score_logits).data;
        const scores = answers.map(({ objectScore }) => objectScore);
        expect(largestDifference(scores, score), one.id).toBeLessThan(2e-4);
        const tokens = answers.map((answer) => [...answer.tokens]);
        expect(tokens, one.id).toEqual(one.expected.mask_tokens ?? answers.map(() => [4]));
      }
    });

    it("answers a batch of unequal prompts as it answers each alone", async () => {
      const mixed = set.cases.flatMap((one) => set.networkPrompts(one, imageSize));
      expect(new Set(mixed.map(({ labels }) => labels.length)).size).toBeGreaterThan(2);
      for (const options of [single, multi]) {
        const batch = await decoder.decode(image, mixed, options);
        expect(batch).toHaveLength(mixed.length);
        for (const [index, prompt] of mixed.entries()) {
          const [alone] = await decoder.decode(image, [prompt], options);
          expect(relativeError(batch[index].lowRes, alone.lowRes), `prompt ${index}`).toBeLessThan(5e-6);
          expect(largestDifference(batch[index].predictedIou, alone.predictedIou)).toBeLessThan(2e-6);
          expect(batch[index].tokens).toEqual(alone.tokens);
        }
      }
    });

    it("gives the same bits again, and to concurrent calls on one image", async () => {
      const prompts = promptsOf("i0-batch4-points");
      const first = await decoder.decode(image, prompts, single);
      const again = await Promise.all([1, 2, 3, 4].map(() => decoder.decode(image, prompts, single)));
      for (const answers of again) expect(answers).toEqual(first);
    });

    it("answers no prompts with no masks", async () => {
      expect(await decoder.decode(image, [], single)).toEqual([]);
    });

    it("hands back the features of an image", async () => {
      const [features, expected] = [await image.features(), set.features()];
      expect(Object.keys(features)).toEqual(Object.keys(expected));
      for (const name of Object.keys(expected) as FeatureName[]) {
        expect(features[name]!.shape).toEqual(expected[name]!.shape);
        expect(relativeError(features[name]!.data, expected[name]!.data)).toBe(0);
      }
      features.image_embed.data.fill(0);
      expect((await image.features()).image_embed.data.some((value) => value !== 0)).toBe(true);
    });

    describe("refuses", () => {
      const click = (): NetworkPrompt => ({ ...promptsOf("i0-click-g050")[0] });

      it("features of another size", async () => {
        const { image_embed, ...others } = set.features();
        const small = { data: new Float32Array(256 * 64), shape: [256, 8, 8] };
        await expect(decoder.prepare({ ...others, image_embed: small })).rejects.toMatchObject({
          code: "E_BAD_FILE",
        });
      });

      it("a mask of another size", async () => {
        const prompt = { ...click(), maskLogits: new Float32Array(9) };
        await expect(decoder.decode(image, [prompt], single)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
      });

      it("more points than a prompt may have", async () => {
        const prompt = {
          ...click(),
          coords: new Float32Array(2 * (MOST_POINTS + 4)),
          labels: new Int32Array(MOST_POINTS + 4),
        };
        await expect(decoder.decode(image, [click(), prompt], single)).rejects.toMatchObject({
          code: "E_BAD_PROMPT",
          message: expect.stringContaining("5000 points"),
        });
      });

      it("a granularity, where the model has none", async ({ skip }) => {
        if (set.cases.some((one) => one.granularity !== null)) skip("this model has a granularity");
        const prompt = { ...click(), granularity: 0.5 };
        await expect(decoder.decode(image, [prompt], single)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
      });

      it("work that was called off", async () => {
        const reason = new Error("enough");
        const signal = AbortSignal.abort(reason);
        await expect(decoder.decode(image, [click()], { ...single, signal })).rejects.toBe(reason);
        const later = new AbortController();
        const many = Array.from({ length: 100 }, click);
        const decoding = decoder.decode(image, many, { ...single, signal: later.signal });
        later.abort(reason);
        await expect(decoding).rejects.toBe(reason);
        expect(await decoder.decode(image, [click()], single)).toHaveLength(1);
      });

      it("a disposed image, but not its neighbour", async () => {
        const other = await decoder.prepare(set.features());
        await other.dispose();
        await other.dispose();
        const disposed = { code: "E_DISPOSED" };
        await expect(decoder.decode(other, [click()], single)).rejects.toMatchObject(disposed);
        await expect(other.features()).rejects.toMatchObject(disposed);
        expect(await decoder.decode(image, [click()], single)).toHaveLength(1);
      });

      it("everything, once it is disposed", async () => {
        const closing = await open(set);
        const other = await closing.decoder.prepare(set.features());
        await closing.close();
        await closing.close();
        const disposed = { code: "E_DISPOSED" };
        await expect(closing.decoder.decode(other, [click()], single)).rejects.toMatchObject(disposed);
        await expect(closing.decoder.prepare(set.features())).rejects.toMatchObject(disposed);
        await expect(other.features()).rejects.toMatchObject(disposed);
      });
    });
  });
}

function together(answers: readonly DecodedMasks[], field: "lowRes" | "predictedIou"): Float32Array {
  return Float32Array.from(answers.flatMap((answer) => [...answer[field]]));
}
