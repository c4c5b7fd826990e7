import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseNpy } from "@unsam/core/npy";
import { type EncodedImage, Mask, type PromptInput, type Segment, UnSAM } from "@unsam/sdk";
import {
  describeWithShared,
  type ParityCase,
  parityFixture,
  relativeError,
  shared,
} from "@unsam/test-support";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** One prompt per batch entry of a case, as a user of the SDK would write it. */
function promptsOf(reference: ParityCase, path: (file: string) => string): PromptInput[] {
  return Array.from({ length: reference.batch }, (_, entry) => {
    const { points, labels, boxes, granularity } = reference;
    return {
      ...(points ? { points: points[entry].map(([x, y], i) => [x, y, labels![entry][i]] as const) } : {}),
      ...(boxes ? { box: boxes[entry] } : {}),
      ...(reference.mask_input ? { mask: maskInput(path(reference.mask_input.file), entry) } : {}),
      granularity: Array.isArray(granularity) ? granularity[entry] : (granularity as number | null),
    };
  });
}

function maskInput(file: string, entry: number) {
  const { data, shape } = parseNpy(readFileSync(file));
  const size = shape[2] * shape[3];
  return { data: data.slice(entry * size, (entry + 1) * size), shape: [shape[2], shape[3]] };
}

const checkpoints = [
  { fixture: "unsamv2-mini", file: ["unsamv2-mini", "checkpoint.pt"] },
  { fixture: "unsamv2-mini", file: ["unsamv2-mini-safetensors", "checkpoint.safetensors"] },
  { fixture: "sam21-mini", file: ["sam21-mini", "checkpoint.safetensors"] },
  { fixture: "efficienttam-mini", file: ["efficienttam-mini", "checkpoint.safetensors"] },
];

describeWithShared("parity with the official PyTorch code, from photo to mask", () => {
  describe.each(checkpoints)("$fixture from $file.1", ({ fixture, file }) => {
    const reference = parityFixture(fixture);
    const plainSam2 = fixture !== "unsamv2-mini";
    let unsam: UnSAM;
    const images = new Map<string, EncodedImage>();

    beforeAll(async () => {
      const config = reference.path("config.json");
      unsam = await UnSAM.load({ model: { checkpoint: shared("parity", ...file), config } });
      for (const { id, file } of reference.images) images.set(id, await unsam.encode(reference.path(file)));
    });
    afterAll(() => unsam.dispose());

    it.each(reference.cases)("$id", async (expected) => {
      const answers = await images.get(expected.image)!.segmentAll(promptsOf(expected, reference.path), {
        multimask: expected.multimask_output,
      });
      const returned = answers.flatMap((answer) =>
        answer.candidates.length > 0 ? answer.candidates : [answer],
      );
      await expectMasks(returned, expected);
      const objectScores = parseNpy(
        await readFile(reference.path(expected.expected.object_score_logits.file)),
      );
      answers.forEach((answer, i) => {
        expect(Math.abs(answer.objectScore - objectScores.data[i])).toBeLessThan(1e-4);
        expect(answer.score).toBe(Math.max(...[answer, ...answer.candidates].map(({ score }) => score)));
      });
    });

    async function expectMasks(returned: Segment[], { expected }: ParityCase): Promise<void> {
      const logits = parseNpy(await readFile(reference.path(expected.low_res_logits.file)));
      const scores = parseNpy(await readFile(reference.path(expected.predicted_iou.file)));
      const size = logits.shape[2] * logits.shape[3];
      expect(returned.length).toBe(logits.data.length / size);
      for (const [i, segment] of returned.entries()) {
        const wanted = logits.data.subarray(i * size, (i + 1) * size);
        expect(relativeError(segment.logits.data, wanted)).toBeLessThan(1e-4);
        expect(Math.abs(segment.score - scores.data[i])).toBeLessThan(1e-4);
        const mask = await Mask.fromPNG(await readFile(reference.path(expected.mask[i].file)));
        expect(segment.mask.iou(mask)).toBeGreaterThanOrEqual(0.999);
      }
    }

    it("answers prompts of unequal size in one call as it answers them alone", async () => {
      const image = images.get("img0")!;
      const granularity = plainSam2 ? undefined : 0.4;
      const prompts: PromptInput[] = [
        { points: [[195, 148]], granularity },
        {
          points: [
            [20, 30],
            [200, 300, "background"],
            [120, 240],
          ],
          granularity,
        },
        { box: [40, 60, 200, 300], granularity },
        { box: [40, 60, 200, 300], points: [[100, 200]], granularity },
      ];
      const first = await image.segment(prompts[0]);
      prompts.push({ mask: first, granularity }, { mask: first.mask, points: [[195, 148]], granularity });
      const together = await image.segmentAll(prompts);
      for (const [i, prompt] of prompts.entries()) {
        const alone = await image.segment(prompt);
        expect(relativeError(together[i].logits.data, alone.logits.data)).toBeLessThan(1e-5);
        expect(Math.abs(together[i].score - alone.score)).toBeLessThan(1e-5);
      }
    });

    it.runIf(plainSam2)("refuses a granularity", async () => {
      const prompt = { points: [[10, 10]] as const, granularity: 0.5 };
      await expect(images.get("img0")!.segment(prompt)).rejects.toMatchObject({ code: "E_BAD_PROMPT" });
    });

    it.runIf(!plainSam2)("lets auto choose a rung of the ladder", async () => {
      const answer = await images.get("img0")!.segment({ points: [[195, 148]], granularity: "auto" });
      const same = await images
        .get("img0")!
        .segment({ points: [[195, 148]], granularity: answer.granularity! });
      expect(relativeError(answer.logits.data, same.logits.data)).toBeLessThan(1e-5);
    });
  });
});
