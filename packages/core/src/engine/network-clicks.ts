import {
  assemblePrompt,
  clampedLogits,
  type DecodedMasks,
  type MaskDecoder,
  type NetworkPrompt,
  type PreparedImage,
} from "../decoder/index.js";
import type { ClickBatch, MaskBatch, ProposedLogits } from "../whole-image/index.js";
import { isConfident } from "../whole-image/score-thresholds.js";

type Claims = ProposedLogits["claims"][number];

/** Low-resolution masks of single clicks, with what the model claims of each; plain SAM 2 may give three a click. */
interface ClickedMask extends Claims {
  /** A part of what the decoder returned. */
  readonly lowRes: Float32Array;
}

/** Decodes the prompts of a batch; nobody else uses the buffers of what it returns. */
export type BulkDecode = (
  prompts: readonly NetworkPrompt[],
  options: { readonly multimask: boolean },
) => Promise<DecodedMasks[]>;

/** Size of the photo, and side of the network's input frame, pixels. */
export interface ClickedSize {
  readonly width: number;
  readonly height: number;
  readonly side: number;
}

/** Proposes the masks of a batch of clicks on an image. */
export type ProposeClicks = (
  image: PreparedImage,
  size: ClickedSize,
  clicks: ClickBatch,
  signal: AbortSignal | undefined,
) => AsyncIterable<MaskBatch>;

/** With a decoder whose logits come to this thread; from here they move to the one that finishes them. */
export function proposeHere(decoder: MaskDecoder): ProposeClicks {
  return async function* (image, size, clicks, signal) {
    const decode: BulkDecode = (prompts, { multimask }) =>
      decoder.decode(image, prompts, { multimask, priority: "bulk", ...(signal ? { signal } : {}) });
    yield { kind: "logits", ...(await answerClicks(decode, size, clicks)) };
  };
}

/** Answers clicks with a network, in one decoder call (two where masks are refined). */
export async function answerClicks(
  decode: BulkDecode,
  size: ClickedSize,
  { points, granularity, options }: ClickBatch,
): Promise<ProposedLogits> {
  const { multimask, refine } = options;
  let masks = await decodeClicks(
    points.map((point) => ({ point, mask: null })),
    multimask,
  );
  if (refine) {
    masks = await decodeClicks(
      masks.map(({ point, lowRes }) => ({ point, mask: clampedLogits(lowRes) })),
      false,
    );
  }
  const sure = masks.filter((mask) => isConfident(mask.predictedIou, options));
  return {
    maps: sure.map(({ lowRes }) => lowRes),
    side: size.side / 4,
    claims: sure.map(({ predictedIou, point }) => ({ predictedIou, point })),
  };

  async function decodeClicks(
    clicks: readonly { point: readonly [number, number]; mask: Float32Array | null }[],
    multimask: boolean,
  ): Promise<ClickedMask[]> {
    const prompts = clicks.map(({ point: [x, y], mask }) =>
      assemblePrompt(
        { points: [{ x, y, label: 1 }], box: null, maskLogits: mask, granularity },
        size,
        size.side,
      ),
    );
    const answers = await decode(prompts, { multimask });
    return answers.flatMap(({ lowRes, predictedIou }, i) => {
      const length = lowRes.length / predictedIou.length;
      return Array.from(predictedIou, (score, k) => ({
        point: clicks[i].point,
        predictedIou: score,
        lowRes: lowRes.subarray(k * length, (k + 1) * length),
      }));
    });
  }
}
