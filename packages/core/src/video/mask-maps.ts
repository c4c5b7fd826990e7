import { resizePlane } from "../image/resize.js";
import { cleanLogits } from "../mask/clean-logits.js";

/** Logits of a pixel that a mask prompt holds, and of one that it does not: ±10. */
const PROMPT_SCALE = 20;
const PROMPT_BIAS = -10;
/** What fills a hole. */
const FILLED = 0.1;

/** A mask prompt at the sides that the network takes. */
export interface MaskMaps {
  /** [S, S], zeros and ones. */
  readonly binary: Float32Array;
  /** [S / 4, S / 4] */
  readonly logits: Float32Array;
  readonly isEmpty: boolean;
}

/** `mask` [height, width] of zeros and ones, of any size; it covers the frame. */
export function maskMaps(mask: Float32Array, width: number, height: number, side: number): MaskMaps {
  const same = width === side && height === side;
  const binary = same
    ? mask
    : resizePlane(mask, width, height, side, side).map((share) => (share >= 0.5 ? 1 : 0));
  const sure = binary.map((value) => PROMPT_SCALE * value + PROMPT_BIAS);
  return {
    binary,
    logits: resizePlane(sure, side, side, side / 4, side / 4),
    isEmpty: !binary.some((value) => value > 0),
  };
}

/** The learned convolution of a mask prompt, 4 × 4 with stride 4: [S, S] → [S / 4, S / 4] */
export function downsampledMask(
  binary: Float32Array,
  side: number,
  { weight, bias }: { readonly weight: Float32Array; readonly bias: number },
): Float32Array {
  const small = side / 4;
  const result = new Float32Array(small * small);
  for (let y = 0; y < small; y++) {
    for (let x = 0; x < small; x++) {
      let sum = bias;
      for (let i = 0; i < 16; i++) {
        sum += weight[i] * binary[(4 * y + (i >> 2)) * side + 4 * x + (i & 3)];
      }
      result[y * small + x] = sum;
    }
  }
  return result;
}

/** Small holes become just foreground, as the official video predictor fills them. */
export function filledHoles(logits: Float32Array, side: number, area: number): Float32Array {
  if (area === 0) return logits;
  return cleanLogits(logits, side, side, { maxHoleArea: area, maxSprinkleArea: 0, filling: FILLED });
}
