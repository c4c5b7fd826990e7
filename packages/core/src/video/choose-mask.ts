import { selectMasks } from "../decoder/select-masks.js";
import type { StabilityFallback } from "../models/index.js";
import type { FrameOutput } from "./video-network.js";

export interface ChosenMask {
  readonly logits: Float32Array;
  /** Output token that the object pointer is made of. */
  readonly token: Float32Array;
  /** Which of the mask tokens; 4 is that of granularity. */
  readonly maskToken: number;
  readonly pointerToken: number;
  readonly predictedIou: number;
}

export interface ChoosingRules {
  readonly granularity: boolean;
  readonly multimask: boolean;
  readonly pointerFromMask: boolean;
  readonly stability: StabilityFallback;
}

/**
 * The one mask of a video's frame. Of several masks it is the one with the largest estimate, and the pointer is made of its token.
 * Where one mask is asked for, an unstable mask is replaced; its pointer is not.
 */
export function chooseMask(output: FrameOutput, rules: ChoosingRules): ChosenMask {
  const { predictedIou } = output;
  const width = output.tokens.length / (rules.granularity ? 1 : predictedIou.length);
  const token = (index: number) => output.tokens.slice(index * width, (index + 1) * width);
  const selected = selectMasks(output, rules, rules.multimask);
  if (rules.granularity) {
    const [maskToken] = selected.tokens;
    const [estimate] = selected.predictedIou;
    return {
      logits: selected.lowRes.slice(),
      token: token(0),
      maskToken,
      pointerToken: maskToken,
      predictedIou: estimate,
    };
  }
  let best = 0;
  selected.predictedIou.forEach((estimate, i) => {
    if (estimate > selected.predictedIou[best]) best = i;
  });
  const area = selected.lowRes.length / selected.tokens.length;
  const maskToken = selected.tokens[best];
  const pointerToken = rules.multimask && rules.pointerFromMask ? maskToken : 0;
  return {
    logits: selected.lowRes.slice(best * area, (best + 1) * area),
    token: token(pointerToken),
    maskToken,
    pointerToken,
    predictedIou: selected.predictedIou[best],
  };
}
