import { UnSAMError } from "../errors.js";

/**
 * Granularity in fusion is counted in whole steps of 1/65534, so that levels, label maps and the 16-bit
 * fused map compare equal integers and nothing is rounded twice. 65535 is left over for "never".
 */
export const GRANULARITY_STEPS = 65_534;
export const NEVER = 65_535;

/** The step nearest to a granularity from 0 (fine) to 1 (coarse). Throws `E_BAD_PROMPT`. */
export function granularityStep(granularity: number): number {
  if (!(granularity >= 0 && granularity <= 1)) {
    throw new UnSAMError(
      "E_BAD_PROMPT",
      `The granularity is ${granularity}; it must be a number from 0 to 1.`,
    );
  }
  return Math.floor(granularity * GRANULARITY_STEPS + 0.5);
}
