import type { StabilityFallback } from "../models/index.js";
import type { DecodedMasks } from "./mask-decoder.js";

/** What the decoder network says about one prompt. */
export interface DecoderOutput {
  /** Unclamped logits [m, h, w]: the granularity mask alone (m = 1), or the masks of tokens 0 to 3. */
  readonly logits: Float32Array;
  /** [4] */
  readonly predictedIou: Float32Array;
  readonly objectScore: number;
}

export interface SelectionRules {
  readonly granularity: boolean;
  readonly stability: StabilityFallback;
}

/** The index a granularity mask is reported under, after the four mask tokens. */
const GRANULARITY_TOKEN = 4;

/** Which masks and scores are returned, by the official rules of the model at hand. */
export function selectMasks(output: DecoderOutput, rules: SelectionRules, multimask: boolean): DecodedMasks {
  const { logits, predictedIou, objectScore } = output;
  if (rules.granularity) {
    // The granularity mask has no estimate of its own.
    const score = multimask ? Math.max(...predictedIou.subarray(1)) : predictedIou[0];
    return {
      lowRes: logits,
      predictedIou: Float32Array.of(score),
      objectScore,
      tokens: Int32Array.of(GRANULARITY_TOKEN),
    };
  }
  const area = logits.length / predictedIou.length;
  if (multimask) {
    return {
      lowRes: logits.subarray(area),
      predictedIou: predictedIou.subarray(1),
      objectScore,
      tokens: Int32Array.of(1, 2, 3),
    };
  }
  const { enabled, delta, threshold } = rules.stability;
  const stable = !enabled || maskStability(logits.subarray(0, area), delta) >= Math.fround(threshold);
  const token = stable ? 0 : bestOfMany(predictedIou);
  return {
    lowRes: logits.subarray(token * area, (token + 1) * area),
    predictedIou: predictedIou.subarray(token, token + 1),
    objectScore,
    tokens: Int32Array.of(token),
  };
}

/** Pixels above delta over pixels above −delta, in float32 as the official code compares; 1 for an empty mask. */
export function maskStability(logits: Float32Array, delta: number): number {
  const limit = Math.fround(delta);
  let inner = 0;
  let outer = 0;
  for (const logit of logits) {
    if (logit > limit) inner++;
    if (logit > -limit) outer++;
  }
  return outer === 0 ? 1 : Math.fround(inner / outer);
}

/** The token among 1, 2, 3 with the largest estimate, the lowest among equals. */
function bestOfMany(predictedIou: Float32Array): number {
  let best = 1;
  for (let token = 2; token < predictedIou.length; token++) {
    if (predictedIou[token] > predictedIou[best]) best = token;
  }
  return best;
}
