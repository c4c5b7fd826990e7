import { assemblePrompt, clampedLogits, type MaskDecoder, type PreparedImage } from "../decoder/index.js";
import { computeThread } from "../runtime/index.js";
import type { Claim, ClickBatch, CollectedBatch } from "../whole-image/index.js";

const collector = computeThread().bind<typeof import("../whole-image/whole-image.worker.js")>(
  new URL("../whole-image/whole-image.worker.js", import.meta.url),
);

/** Low-resolution masks of single clicks, with what the model claims of each; plain SAM 2 may give three a click. */
interface ClickedMask extends Claim {
  readonly lowRes: Float32Array;
}

/** Answers clicks with a network; the masks are finished and kept on the compute thread. */
export async function collectClicks(
  decoder: MaskDecoder,
  image: PreparedImage,
  size: { readonly width: number; readonly height: number; readonly side: number },
  run: number,
  { points, granularity, options }: ClickBatch,
  signal: AbortSignal | undefined,
): Promise<CollectedBatch> {
  const { multimask, refine, predictedIou } = options;
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
  // Compared in float32, as PyTorch does.
  const sure = masks.filter((mask) => predictedIou === 0 || mask.predictedIou > Math.fround(predictedIou));
  const { width, height } = size;
  return collector(
    "addLogits",
    [
      run,
      sure.map(({ lowRes }) => lowRes),
      size.side / 4,
      { width, height },
      sure.map(({ predictedIou, point }) => ({ predictedIou, point })),
      points,
    ],
    { signal },
  );

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
    const answers = await decoder.decode(image, prompts, { multimask, ...(signal ? { signal } : {}) });
    return answers.flatMap(({ lowRes, predictedIou }, i) => {
      const length = lowRes.length / predictedIou.length;
      return Array.from(predictedIou, (score, k) => ({
        point: clicks[i].point,
        predictedIou: score,
        lowRes: lowRes.slice(k * length, (k + 1) * length),
      }));
    });
  }
}
