import { assemblePrompt, clampedLogits, type MaskDecoder, type PreparedImage } from "../decoder/index.js";
import type { ClickBatch, MaskBatch, ProposedLogits } from "../whole-image/index.js";
import { isConfident } from "../whole-image/score-thresholds.js";

type Claims = ProposedLogits["claims"][number];

/** Low-resolution masks of single clicks, with what the model claims of each; plain SAM 2 may give three a click. */
interface ClickedMask extends Claims {
  /** A part of what the decoder returned. */
  readonly lowRes: Float32Array;
}

/** Answers clicks with a network, in one decoder call (two where masks are refined). */
export async function* proposeByClicks(
  decoder: MaskDecoder,
  image: PreparedImage,
  size: { readonly width: number; readonly height: number; readonly side: number },
  { points, granularity, options }: ClickBatch,
  signal: AbortSignal | undefined,
): AsyncGenerator<MaskBatch, void, undefined> {
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
  yield {
    kind: "logits",
    // In buffers of their own, which can move to another thread.
    maps: sure.map(({ lowRes }) => lowRes.slice()),
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
    const answers = await decoder.decode(image, prompts, {
      multimask,
      priority: "bulk",
      ...(signal ? { signal } : {}),
    });
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
