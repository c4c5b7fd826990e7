/** The official predictor hands low-resolution logits out, and feeds them back, within ± this. */
const LOGIT_CLAMP = 32;

/**
 * Logits as a mask prompt: within ±32, wherever they come from. The official predictor clamps what it returns, and with
 * that what the next round is given; ours returns the logits as they are, and clamps them here. The same array where
 * nothing lies beyond.
 */
export function clampedLogits(logits: Float32Array): Float32Array {
  for (let i = 0; i < logits.length; i++) {
    if (Math.abs(logits[i]) > LOGIT_CLAMP) {
      return logits.map((value) => Math.min(LOGIT_CLAMP, Math.max(-LOGIT_CLAMP, value)));
    }
  }
  return logits;
}
